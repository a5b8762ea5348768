#include "tests/env/clickhouse-engine/engine.h"

#include <dlfcn.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <vector>

#include "libs/clickhouse/client.h"

namespace vora::tests {
namespace {

namespace fs = std::filesystem;

// Puts FROM INFILE before the last FORMAT.
StatusOr<std::string> FromFile(std::string_view sql, const std::string& file) {
  const size_t at = sql.rfind("FORMAT ");
  if (at == std::string_view::npos) return MakeStatus(StatusCode::kUnknown, "Code: 62. DB::Exception: rows need an INSERT ... FORMAT");
  return std::string(sql.substr(0, at)) + "FROM INFILE " + clickhouse::Quote(file) + " " + std::string(sql.substr(at));
}

}  // namespace

// Of chdb.h.
struct Engine::Impl {
  using Connect = void** (*)(int, char**);
  using Close = void (*)(void**);
  using Query = void* (*)(void*, const char*, size_t, const char*, size_t);
  using Text = char* (*)(void*);
  using Length = size_t (*)(void*);
  using Destroy = void (*)(void*);

  void* library = nullptr;
  Connect connect = nullptr;
  Close close = nullptr;
  Query query = nullptr;
  Text buffer = nullptr, error = nullptr;
  Length length = nullptr;
  Destroy destroy = nullptr;
  void** connection = nullptr;
  fs::path rows_file;
  std::mutex mutex;

  template <typename F>
  bool Load(const char* name, F& function) {
    function = reinterpret_cast<F>(dlsym(library, name));
    return function != nullptr;
  }
  StatusOr<std::string> RunOne(const std::string& sql) {
    void* result = query(*connection, sql.data(), sql.size(), "TSV", 3);
    if (result == nullptr) return Internal("no result");
    const char* failure = error(result);
    StatusOr<std::string> out = failure != nullptr && *failure != '\0' ? StatusOr<std::string>(MakeStatus(StatusCode::kUnknown, failure))
                                                                       : std::string(buffer(result), length(result));
    destroy(result);
    return out;
  }
};

Engine::Engine() : impl_(std::make_unique<Impl>()) {}

Engine::~Engine() {
  if (impl_->connection != nullptr) impl_->close(impl_->connection);
}

StatusOr<std::unique_ptr<Engine>> Engine::Open(const std::string& library, const std::string& folder) {
  std::unique_ptr<Engine> engine(new Engine());
  Impl& impl = *engine->impl_;
  impl.library = dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (impl.library == nullptr) return InvalidArgument(dlerror());
  if (!impl.Load("chdb_connect", impl.connect) || !impl.Load("chdb_close_conn", impl.close) || !impl.Load("chdb_query_n", impl.query) ||
      !impl.Load("chdb_result_buffer", impl.buffer) || !impl.Load("chdb_result_error", impl.error) ||
      !impl.Load("chdb_result_length", impl.length) || !impl.Load("chdb_destroy_query_result", impl.destroy)) {
    return InvalidArgument(library + ": not a libchdb");
  }
  std::string name = "clickhouse", path = "--path=" + folder;
  char* arguments[] = {name.data(), path.data()};
  impl.connection = impl.connect(2, arguments);
  if (impl.connection == nullptr) return InvalidArgument("libchdb cannot open " + folder);
  impl.rows_file = fs::path(folder) / "rows.in";
  return engine;
}

StatusOr<std::string> Engine::Run(const EngineQuery& query) {
  std::lock_guard lock(impl_->mutex);
  std::string sql = query.sql;
  if (!query.rows.empty()) {
    std::ofstream(impl_->rows_file, std::ios::binary | std::ios::trunc) << query.rows;
    VORA_ASSIGN_OR_RETURN(sql, FromFile(query.sql, impl_->rows_file.string()));
  }
  VORA_RETURN_IF_ERROR(impl_->RunOne("USE `" + query.database + "`").status());
  std::vector<std::string> changed;
  StatusOr<std::string> out = std::string();
  for (const auto& [name, value] : query.settings) {
    out = impl_->RunOne("SET " + name + " = " + clickhouse::Quote(value));
    if (!out.ok()) break;
    changed.push_back(name);
  }
  if (out.ok()) out = impl_->RunOne(sql);
  for (const std::string& name : changed) {
    if (const auto reset = impl_->RunOne("SET " + name + " = DEFAULT"); !reset.ok()) return reset.status();
  }
  return out;
}

}  // namespace vora::tests
