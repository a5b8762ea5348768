#pragma once

// What became of the spans that this process recorded.

#include "libs/obs/family.h"

namespace vora::obs {

inline FamilySet kSpanMetrics{"libs/obs"};

inline const CounterFamily kSpansExported{kSpanMetrics, "vora_spans_exported_total", "Spans that the collector took."};
inline const CounterFamily kSpansDropped{kSpanMetrics, "vora_spans_dropped_total",
                                         "Spans given up, because the queue was full or the collector did not take them."};

}  // namespace vora::obs
