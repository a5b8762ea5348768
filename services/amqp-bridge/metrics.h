#pragma once

// Every metric of the AMQP bridge, beside those of the libraries it uses.

#include "libs/obs/family.h"

namespace vora::amqp {

inline obs::FamilySet kMetrics{"services/amqp-bridge"};

inline const obs::CounterFamily kTasks{
    kMetrics,
    "vora_amqp_tasks_total",
    "Tasks, redelivered ones too: accepted (acknowledged), refused (rejected), given_up (rejected, undecided for too long), "
    "delayed (tried again later), moved (to the end of the queue meanwhile).",
    {"result"}};
inline const obs::CounterFamily kReplies{
    kMetrics,
    "vora_amqp_replies_total",
    "States and results: confirmed by the broker, unroutable (of these: they reached no queue), refused (tried again later).",
    {"result"}};
inline const obs::GaugeFamily kHeld{kMetrics, "vora_amqp_tasks_held", "Tasks taken from the queue and not yet acknowledged."};
inline const obs::GaugeFamily kConnected{kMetrics, "vora_amqp_connected", "1 while the broker is connected and takes messages, else 0."};

}  // namespace vora::amqp
