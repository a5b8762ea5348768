#include "libs/obs/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <utility>

namespace vora::obs {
namespace {

class PromCounter : public Counter {
 public:
  explicit PromCounter(prometheus::Counter& counter) : counter_(counter) {}
  void Increment(double by) override { counter_.Increment(by); }

 private:
  prometheus::Counter& counter_;
};

class PromGauge : public Gauge {
 public:
  explicit PromGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void Set(double value) override { gauge_.Set(value); }
  void Add(double by) override { gauge_.Increment(by); }

 private:
  prometheus::Gauge& gauge_;
};

class PromHistogram : public Histogram {
 public:
  explicit PromHistogram(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void Observe(double value) override { histogram_.Observe(value); }

 private:
  prometheus::Histogram& histogram_;
};

using Key = std::pair<std::string, Labels>;

}  // namespace

struct Metrics::Impl {
  std::mutex mutex;
  prometheus::Registry registry;
  // std::map leaves its entries where they are: callers keep references for as long as the registry lives.
  std::map<Key, PromCounter> counters;
  std::map<Key, PromGauge> gauges;
  std::map<Key, PromHistogram> histograms;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::AddCounter(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  const Key key(name, labels);
  if (const auto found = impl_->counters.find(key); found != impl_->counters.end()) return found->second;
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
  return impl_->counters.emplace(key, family.Add(labels)).first->second;
}

Gauge& Metrics::AddGauge(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  const Key key(name, labels);
  if (const auto found = impl_->gauges.find(key); found != impl_->gauges.end()) return found->second;
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
  return impl_->gauges.emplace(key, family.Add(labels)).first->second;
}

Histogram& Metrics::AddHistogram(const std::string& name, const std::string& help, const Labels& labels, std::vector<double> buckets) {
  const std::lock_guard lock(impl_->mutex);
  const Key key(name, labels);
  if (const auto found = impl_->histograms.find(key); found != impl_->histograms.end()) return found->second;
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
  return impl_->histograms.emplace(key, family.Add(labels, std::move(buckets))).first->second;
}

std::string Metrics::Expose() const { return prometheus::TextSerializer().Serialize(impl_->registry.Collect()); }

}  // namespace vora::obs
