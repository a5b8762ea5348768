#pragma once

// The families of metrics that a folder has, declared in its metrics.h and nowhere else:
//
//   inline obs::FamilySet kMetrics{"libs/pg"};
//   inline const obs::CounterFamily kTransactions{kMetrics, "vora_pg_transactions_total", "Transactions, by result.", {"result"}};
//   ...
//   kTransactions.In(metrics, {"committed"}).Increment();
//
// A golden text beside it (metrics.txt) holds what is declared; docs/metrics.md is made from these texts.

#include <string>
#include <string_view>
#include <vector>

#include "libs/obs/metrics.h"

namespace vora::obs {

class Family;

// In the order of declaration. A family belongs to one set and must live as long as it.
class FamilySet {
 public:
  explicit FamilySet(std::string_view folder) : folder_(folder) {}
  FamilySet(const FamilySet&) = delete;
  FamilySet& operator=(const FamilySet&) = delete;

  // A line per family: `counter vora_pg_transactions_total{result}: Transactions, by result.`
  std::string Describe() const;
  // What breaks Prometheus' naming conventions, a line each; empty when all is well.
  std::vector<std::string> Faults() const;
  const std::string& folder() const { return folder_; }

 private:
  friend class Family;
  const std::string folder_;
  std::vector<const Family*> families_;
};

enum class FamilyType { kCounter, kGauge, kHistogram };

class Family {
 public:
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  FamilyType type() const { return type_; }
  const std::string& name() const { return name_; }
  const std::string& help() const { return help_; }
  const std::vector<std::string>& labels() const { return labels_; }

 protected:
  Family(FamilySet& set, FamilyType type, std::string_view name, std::string_view help, std::vector<std::string> labels);
  ~Family() = default;
  // Aborts unless there is a value for each label.
  Labels With(std::vector<std::string> values) const;

 private:
  const FamilyType type_;
  const std::string name_, help_;
  const std::vector<std::string> labels_;
};

// `In` gives the metric of these label values, in the order in which the labels are declared; it lives as long as `metrics`.
class CounterFamily : public Family {
 public:
  CounterFamily(FamilySet& set, std::string_view name, std::string_view help, std::vector<std::string> labels = {});
  Counter& In(Metrics& metrics, std::vector<std::string> values = {}) const;
};

class GaugeFamily : public Family {
 public:
  GaugeFamily(FamilySet& set, std::string_view name, std::string_view help, std::vector<std::string> labels = {});
  Gauge& In(Metrics& metrics, std::vector<std::string> values = {}) const;
};

// For requests: 1 ms to 30 s.
std::vector<double> RequestBuckets();
// For work on media: 1 s to 2 h.
std::vector<double> WorkBuckets();

class HistogramFamily : public Family {
 public:
  HistogramFamily(FamilySet& set, std::string_view name, std::string_view help, std::vector<std::string> labels = {},
                  std::vector<double> buckets = RequestBuckets());
  Histogram& In(Metrics& metrics, std::vector<std::string> values = {}) const;

 private:
  const std::vector<double> buckets_;
};

}  // namespace vora::obs
