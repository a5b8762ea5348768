#pragma once

// Writes what units have changed.

#include <pqxx/pqxx>

#include "libs/workflow/core/rows.h"

namespace vora::workflow::repo {

// A few statements, however many runs are in it. The runs must be locked, or new under a locked id.
void WriteChanges(pqxx::transaction_base& tx, const Changes& changes);

}  // namespace vora::workflow::repo
