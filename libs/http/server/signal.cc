#include "libs/http/server/signal.h"

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vora::http {

struct Signal::Waiter {
  // Room for one: Fire may come between the entry in the list and the receive, and must not be lost.
  explicit Waiter(const boost::asio::any_io_executor& executor) : channel(executor, 1) {}
  boost::asio::experimental::concurrent_channel<void(boost::system::error_code)> channel;
};

Signal::Signal() = default;
Signal::~Signal() = default;

void Signal::Fire() {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    std::lock_guard lock(mutex_);
    fired_ = true;
    // Sent without the mutex, since a waiter may be resumed at once and wait again.
    waiters.swap(waiters_);
  }
  for (const auto& waiter : waiters) waiter->channel.try_send(boost::system::error_code());
}

boost::asio::awaitable<bool> Signal::Wait(std::optional<std::chrono::steady_clock::time_point> deadline) {
  auto executor = co_await boost::asio::this_coro::executor;
  auto waiter = std::make_shared<Waiter>(executor);
  {
    std::lock_guard lock(mutex_);
    if (fired_) co_return true;
    waiters_.push_back(waiter);
  }
  boost::asio::steady_timer timer(executor);
  if (deadline) {
    timer.expires_at(*deadline);
    timer.async_wait([waiter](const boost::system::error_code& cancelled) {
      if (!cancelled) waiter->channel.try_send(boost::system::error_code(boost::asio::error::timed_out));
    });
  }
  boost::system::error_code late;
  co_await waiter->channel.async_receive(boost::asio::redirect_error(boost::asio::use_awaitable, late));
  timer.cancel();
  if (!late) co_return true;
  const std::lock_guard lock(mutex_);
  std::erase(waiters_, waiter);
  co_return false;
}

}  // namespace vora::http
