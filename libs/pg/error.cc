// pqxx exceptions to Status, in one place.

#include <string_view>

#include "libs/pg/database.h"

namespace vora::pg {
namespace {

std::string Trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return std::string(text);
}

// SQLSTATEs: https://www.postgresql.org/docs/15/errcodes-appendix.html
Status FromSqlError(const pqxx::sql_error& e) {
  const std::string_view state = e.sqlstate();
  const std::string text = Trimmed(e.what());
  if (state == "23505") return AlreadyExists(text);
  if (state.starts_with("23")) return FailedPrecondition(text);  // foreign key, check, not null, exclusion
  // 55P03 is a lock that was not to be had at once (NOWAIT, lock_timeout): like the other two it may be there the next time.
  if (state == "40001" || state == "40P01" || state == "55P03") return Aborted(text);
  // Class 53 is the server out of connections, memory or disk; 57P0x is its shutdown and start.
  if (state.starts_with("08") || state.starts_with("57P0") || state.starts_with("53")) return Unavailable(text);
  if (state == "57014") return DeadlineExceeded(text);
  return Internal("SQLSTATE " + std::string(state) + ": " + text);
}

}  // namespace

Status StatusFromCurrentException() {
  try {
    throw;
  } catch (const pqxx::in_doubt_error& e) {
    return Unavailable("in doubt whether the transaction was committed: " + Trimmed(e.what()));
  } catch (const pqxx::transaction_rollback& e) {  // 40001 and 40P01: not sql_error in libpqxx 6.4
    return Aborted(Trimmed(e.what()));
  } catch (const pqxx::broken_connection& e) {
    return Unavailable("PostgreSQL: " + Trimmed(e.what()));
  } catch (const pqxx::unique_violation& e) {
    return AlreadyExists(Trimmed(e.what()));
  } catch (const pqxx::integrity_constraint_violation& e) {
    return FailedPrecondition(Trimmed(e.what()));
  } catch (const pqxx::sql_error& e) {
    return FromSqlError(e);
  } catch (const std::exception& e) {
    return Internal(std::string("PostgreSQL access: ") + Trimmed(e.what()));
  } catch (...) {
    return Internal("PostgreSQL access: unknown exception");
  }
}

}  // namespace vora::pg
