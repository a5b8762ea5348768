#pragma once

// A map that knows which of its entries was used longest ago. What leaves it, and when, is its owner's to say. Not thread-safe.

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

namespace vora {

// What becomes of an entry in LruMap::Sweep.
enum class LruVerdict {
  kDrop,
  kKeep,  // where it is
  kUse,   // as the most recently used one
  kStop,  // this one and all later ones are kept
};

template <typename Key, typename Value, typename Hash = std::hash<Key>>
class LruMap {
 public:
  size_t size() const { return by_key_.size(); }

  // The value, whose entry is now the most recently used one; nullptr: there is none.
  Value* Use(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return &found->second->second;
  }

  // The value, without using it.
  Value* Peek(const Key& key) {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &found->second->second;
  }

  // A new entry, the most recently used one. One of that key must not be there.
  Value& Insert(const Key& key, Value value) {
    by_use_.emplace_front(key, std::move(value));
    by_key_.emplace(key, by_use_.begin());
    return by_use_.front().second;
  }

  // Takes an entry out.
  std::optional<Value> Take(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    return Remove(found->second);
  }

  // Takes the least recently used entry out.
  std::optional<Value> TakeOldest() {
    if (by_use_.empty()) return std::nullopt;
    return Remove(std::prev(by_use_.end()));
  }

  // Asks `verdict(key, value)` of each entry once, from the least recently used one on.
  template <typename F>
  void Sweep(F verdict) {
    auto next = by_use_.end();
    for (size_t left = by_use_.size(); left > 0; --left) {
      const auto entry = std::prev(next);
      switch (verdict(entry->first, entry->second)) {
        case LruVerdict::kDrop:
          Remove(entry);
          break;
        case LruVerdict::kKeep:
          next = entry;
          break;
        case LruVerdict::kUse:
          by_use_.splice(by_use_.begin(), by_use_, entry);
          break;
        case LruVerdict::kStop:
          return;
      }
    }
  }

 private:
  using Entries = std::list<std::pair<const Key, Value>>;  // the most recently used first

  Value Remove(typename Entries::iterator entry) {
    Value value = std::move(entry->second);
    by_key_.erase(entry->first);
    by_use_.erase(entry);
    return value;
  }

  Entries by_use_;
  std::unordered_map<Key, typename Entries::iterator, Hash> by_key_;
};

}  // namespace vora
