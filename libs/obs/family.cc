#include "libs/obs/family.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace vora::obs {
namespace {

const char* TypeName(FamilyType type) {
  switch (type) {
    case FamilyType::kCounter:
      return "counter";
    case FamilyType::kGauge:
      return "gauge";
    case FamilyType::kHistogram:
      return "histogram";
  }
  return "";
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ",").append(word);
  return text;
}

bool IsSnakeCase(const std::string& name) {
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// Units other than Prometheus' base units, and names that the exposition gives away itself.
constexpr std::array<const char*, 12> kForbiddenEnds = {"_ms",  "_milliseconds", "_minutes", "_hours", "_kb",  "_mb",
                                                        "_kib", "_mib",          "_percent", "_count", "_sum", "_bucket"};
// Labels that would have a value per client, video or process.
constexpr std::array<const char*, 14> kForbiddenLabels = {"id",        "video_id", "upload_id", "run_id",  "workflow_id",
                                                          "worker_id", "key",      "viewer",    "client",  "path",
                                                          "le",        "quantile", "job",       "instance"};

}  // namespace

std::string FamilySet::Describe() const {
  std::string text;
  for (const Family* family : families_) {
    text.append(TypeName(family->type())).append(" ").append(family->name());
    if (!family->labels().empty()) text.append("{").append(Joined(family->labels())).append("}");
    text.append(": ").append(family->help()).append("\n");
  }
  return text;
}

std::vector<std::string> FamilySet::Faults() const {
  std::vector<std::string> faults;
  for (const Family* family : families_) {
    const std::string& name = family->name();
    const auto fault = [&](const std::string& what) { faults.push_back(name + ": " + what); };
    if (!IsSnakeCase(name)) fault("names have lower case letters, digits and underscores");
    if (!name.starts_with("vora_") && !name.starts_with("process_")) fault("names begin with vora_ or process_");
    if (name.ends_with("_total") != (family->type() == FamilyType::kCounter)) fault("counters, and only they, end in _total");
    if (family->type() == FamilyType::kHistogram && !name.ends_with("_seconds") && !name.ends_with("_bytes")) {
      fault("histograms end in their base unit");
    }
    for (const char* end : kForbiddenEnds) {
      if (name.ends_with(end)) fault(std::string("must not end in ") + end);
    }
    if (family->help().empty() || !family->help().ends_with('.')) fault("the help is a sentence");
    for (const std::string& label : family->labels()) {
      if (!IsSnakeCase(label)) fault("label " + label + ": not in snake case");
      if (std::find(kForbiddenLabels.begin(), kForbiddenLabels.end(), label) != kForbiddenLabels.end()) {
        fault("label " + label + ": its values would have no bound, or Prometheus sets it");
      }
    }
    if (std::count_if(families_.begin(), families_.end(), [&](const Family* other) { return other->name() == name; }) > 1) {
      fault("declared twice");
    }
  }
  return faults;
}

Family::Family(FamilySet& set, FamilyType type, std::string_view name, std::string_view help, std::vector<std::string> labels)
    : type_(type), name_(name), help_(help), labels_(std::move(labels)) {
  set.families_.push_back(this);
}

Labels Family::With(std::vector<std::string> values) const {
  if (values.size() != labels_.size()) {
    std::fprintf(stderr, "metric %s has %zu labels, not %zu\n", name_.c_str(), labels_.size(), values.size());
    std::abort();
  }
  Labels labels;
  for (size_t i = 0; i < values.size(); ++i) labels.emplace(labels_[i], std::move(values[i]));
  return labels;
}

CounterFamily::CounterFamily(FamilySet& set, std::string_view name, std::string_view help, std::vector<std::string> labels)
    : Family(set, FamilyType::kCounter, name, help, std::move(labels)) {}

Counter& CounterFamily::In(Metrics& metrics, std::vector<std::string> values) const {
  return metrics.AddCounter(name(), help(), With(std::move(values)));
}

GaugeFamily::GaugeFamily(FamilySet& set, std::string_view name, std::string_view help, std::vector<std::string> labels)
    : Family(set, FamilyType::kGauge, name, help, std::move(labels)) {}

Gauge& GaugeFamily::In(Metrics& metrics, std::vector<std::string> values) const {
  return metrics.AddGauge(name(), help(), With(std::move(values)));
}

std::vector<double> RequestBuckets() { return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}; }

std::vector<double> WorkBuckets() { return {1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200}; }

HistogramFamily::HistogramFamily(FamilySet& set, std::string_view name, std::string_view help, std::vector<std::string> labels,
                                 std::vector<double> buckets)
    : Family(set, FamilyType::kHistogram, name, help, std::move(labels)), buckets_(std::move(buckets)) {}

Histogram& HistogramFamily::In(Metrics& metrics, std::vector<std::string> values) const {
  return metrics.AddHistogram(name(), help(), With(std::move(values)), buckets_);
}

}  // namespace vora::obs
