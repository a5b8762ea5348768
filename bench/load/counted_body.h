#pragma once

// A body for Beast's parser (https://www.boost.org/doc/libs/1_81_0/libs/beast/doc/html/beast/concepts/Body.html) whose bytes are counted,
// and kept only where they are wanted or say what went wrong.

#include <cstdint>
#include <functional>
#include <string>

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional/optional.hpp>

namespace vora::load {

struct CountedBody {
  struct value_type {
    bool keep = false;
    int64_t bytes = 0;
    std::string kept;
  };

  class reader {
   public:
    template <bool IsRequest, typename Fields>
    reader(boost::beast::http::header<IsRequest, Fields>& head, value_type& body) : body_(body) {
      if constexpr (!IsRequest) failed_ = [&head] { return head.result_int() >= 400; };
    }
    void init(const boost::optional<std::uint64_t>& /*length*/, boost::beast::error_code& error) {
      body_.keep = body_.keep || (failed_ && failed_());
      error = {};
    }
    template <typename Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      std::size_t taken = 0;
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        if (body_.keep) body_.kept.append(static_cast<const char*>(buffer.data()), buffer.size());
        taken += buffer.size();
      }
      body_.bytes += static_cast<int64_t>(taken);
      error = {};
      return taken;
    }
    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    std::function<bool()> failed_;  // known once the head is read
    value_type& body_;
  };
};

}  // namespace vora::load
