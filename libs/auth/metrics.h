#pragma once

// Every metric of the checks of callers.

#include "libs/obs/family.h"

namespace vora::auth {

inline obs::FamilySet kMetrics{"libs/auth"};

inline const obs::CounterFamily kRefused{kMetrics,
                                         "vora_auth_refused_total",
                                         "Calls refused because of who made them, by what was wrong with the token or its scopes.",
                                         {"reason"}};

}  // namespace vora::auth
