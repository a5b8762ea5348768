#pragma once

// Every metric of the HTTP servers: rate, errors and duration of each route, and what was refused before a route saw it.

#include "libs/obs/family.h"

namespace vora::http {

inline obs::FamilySet kMetrics{"libs/http"};

inline const obs::GaugeFamily kInFlight{kMetrics, "vora_http_requests_in_flight", "HTTP requests being answered."};
inline const obs::CounterFamily kRequests{
    kMetrics, "vora_http_requests_total", "HTTP requests answered, by the pattern of their route.", {"method", "route", "status"}};
inline const obs::HistogramFamily kDuration{
    kMetrics, "vora_http_request_duration_seconds", "Time from the head of a request to the end of its response.", {"method", "route"}};
inline const obs::CounterFamily kRefused{
    kMetrics, "vora_http_refused_total", "Connections and requests that a limit refused or cut, by the limit.", {"reason"}};

}  // namespace vora::http
