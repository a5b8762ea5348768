#pragma once

// Every metric of letting callers in.

#include "libs/obs/family.h"

namespace vora::auth {

inline obs::FamilySet kMetrics{"libs/auth"};

inline const obs::CounterFamily kRefused{kMetrics, "vora_auth_refused_total", "Callers that were not let in, by the reason.", {"reason"}};
inline const obs::CounterFamily kKeyReads{
    kMetrics, "vora_auth_key_reads_total", "Times the JWK set was read, from its file or URL, by result.", {"result"}};

}  // namespace vora::auth
