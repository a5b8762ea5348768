#pragma once

// `vora-analytics-ingest --check-spool [DIR]`: reads a spool and says what is in it. Changes nothing, and needs no lock.

#include <string>

namespace vora::analytics {

// Prints a report on stdout. Exit code 0: clean; 1: something is damaged or was quarantined; 2: it cannot be read.
int CheckSpoolMain(const std::string& directory);

}  // namespace vora::analytics
