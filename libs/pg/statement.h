#pragma once

// Prepared statements, and arrays as parameters: so one statement takes any number of rows (`unnest($1::text[], $2::bigint[])`).
// Heavy (pqxx).

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pqxx/pqxx>

namespace vora::pg {

// `name` is unique within the process.
struct Statement {
  const char* name;
  const char* sql;
};

// Prepared on the transaction's connection when it is first run there: parsed and planned once.
template <typename... Args>
pqxx::result Exec(pqxx::transaction_base& tx, const Statement& statement, Args&&... args) {
  tx.conn().prepare(statement.name, statement.sql);
  return tx.exec_prepared(statement.name, std::forward<Args>(args)...);
}

// The text form of an array: https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO.
class Array {
 public:
  void Add(std::string_view text);
  void Add(const std::string& text) { Add(std::string_view(text)); }
  void Add(const char* text) { Add(std::string_view(text)); }
  void Add(int64_t number) { Item() += std::to_string(number); }
  void Add(int number) { Item() += std::to_string(number); }
  void Add(double number);
  void Add(bool flag) { Item() += flag ? 't' : 'f'; }
  void AddNull() { Item() += "NULL"; }
  template <typename T>
  void Add(const std::optional<T>& value) {
    if (value) return Add(*value);
    AddNull();
  }
  std::string Text() const { return "{" + text_ + "}"; }
  bool empty() const { return text_.empty(); }

 private:
  std::string& Item() {
    if (!text_.empty()) text_ += ',';
    return text_;
  }
  std::string text_;
};

template <typename T>
std::string ArrayOf(const std::vector<T>& values) {
  Array array;
  for (const auto& value : values) array.Add(value);
  return array.Text();
}

// The elements of a text[] as PostgreSQL sends it.
std::vector<std::string> ReadTextArray(const pqxx::field& field);

}  // namespace vora::pg
