#pragma once

// Every metric of the gRPC servers: rate, errors and duration of each method.

#include "libs/obs/family.h"

namespace vora::rpc {

inline obs::FamilySet kMetrics{"libs/rpc"};

inline const obs::CounterFamily kRequests{
    kMetrics, "vora_rpc_server_requests_total", "gRPC calls answered, by status code.", {"method", "code"}};
inline const obs::HistogramFamily kDuration{kMetrics,
                                            "vora_rpc_server_duration_seconds",
                                            "Time from the arrival of a gRPC call to its status; of a stream, its whole life.",
                                            {"method"}};

inline const obs::GaugeFamily kCertificateExpiry{kMetrics, "vora_tls_certificate_expiry_seconds",
                                                 "Seconds until this daemon's TLS certificate expires; below 0 it has."};

}  // namespace vora::rpc
