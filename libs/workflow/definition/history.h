#pragma once

// History events and the commands that a workflow issues. Every command has one event type that records it; the other event types are
// inputs, which resume the workflow. Pure data: no database, no clock.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflow {

// Payloads (inputs, results, checkpoints, details) are limited; see CheckPayload in payload.h.
inline constexpr size_t kMaxPayloadBytes = size_t{1} << 20;
inline constexpr int kMaxItems = 100;  // of a group

struct Event {
  int64_t id = 0;  // from 1 within a run, without gaps
  v1::EventType type{};
  int64_t time_us = 0;  // the database's clock, microseconds since the epoch
  nlohmann::json attributes = nlohmann::json::object();
};

// `ACTIVITY_TASK_SCHEDULED`: as stored. Unknown names give EVENT_TYPE_UNSPECIFIED.
std::string EventTypeName(v1::EventType type);
v1::EventType EventTypeFromName(std::string_view name);
// True for events that record a command; false for inputs.
bool IsCommandEvent(v1::EventType type);

struct Command {
  v1::EventType type{};         // the event that records it
  nlohmann::json attributes;    // the event's attributes
  v1::ActivityOptions options;  // ACTIVITY_TASK_SCHEDULED
};

nlohmann::json FailureToJson(const v1::Failure& failure);
v1::Failure FailureFromJson(const nlohmann::json& json);
v1::Failure MakeFailure(std::string code, std::string message, bool non_retryable = false);

// The id under which people see an item of a group, e.g. `720p/chunk/3`.
std::string ItemActivityId(const std::string& item, const std::string& activity_id);

// A run's history as a JSON array [{"id":..,"type":..,"time_us":..,"attributes":{..}}], the form of stored replay tests.
std::string HistoryToJson(const std::vector<Event>& events);
std::vector<Event> HistoryFromJson(std::string_view json);  // throws nlohmann::json::exception on malformed text

}  // namespace vora::workflow
