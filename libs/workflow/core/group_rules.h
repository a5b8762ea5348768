#pragma once

// What follows when an attempt at a group ends: each item has an outcome of its own, and what failed is tried again without the rest. Pure.

#include <map>
#include <string>
#include <vector>

#include "libs/workflow/core/rows.h"
#include "libs/workflow/core/task_rules.h"

namespace vora::workflow {

class RunUnit;

// As the tables hold them: `[{"name":..,"estimated_cost":..,"failures":..,"last_failure":..}]`, or nothing for no items.
std::string ItemsToJson(const std::vector<ItemRow>& items);
std::vector<ItemRow> ItemsFromJson(const std::string& json);

// From 1, as people count.
int AttemptOf(const TaskRow& task, const ItemRow& item);

// `outcomes` by name; an item without one has failed. What ended goes to the run, the rest back into the queue. True: there is a rest.
// `second`: the attempt that ends is the second one, whose failures count as nothing.
bool EndItems(RunUnit& unit, TaskRow& task, const std::map<std::string, v1::ItemOutcome>& outcomes, bool second);
// Items that are done while the attempt goes on with the rest, which is the attempt's end when there is none. Others than results are left.
void EndItemsEarly(RunUnit& unit, TaskRow& task, const std::map<std::string, v1::ItemOutcome>& outcomes);
// An attempt at which all items failed by one thing. The group has failed when none is tried again.
bool FailItems(RunUnit& unit, TaskRow& task, const AttemptEnd& end);

}  // namespace vora::workflow
