#include "services/analytics-ingest/shipper/shipper_fixture.h"

namespace vora::analytics {
namespace {

// Dies (for all that the disk can tell) between the insert and Release.
class DyingSpool : public Spool {
 public:
  explicit DyingSpool(Spool& spool) : spool_(spool) {}
  Status Append(RowBatch batch, std::function<void(Status)> done) override { return spool_.Append(std::move(batch), std::move(done)); }
  std::optional<SealedSegment> Claim(std::chrono::milliseconds wait) override { return spool_.Claim(wait); }
  Status MarkInDoubt(const SealedSegment& segment) override { return spool_.MarkInDoubt(segment); }
  Status ReadRows(const SealedSegment& segment, const std::function<void(std::string_view row)>& row) override {
    return spool_.ReadRows(segment, row);
  }
  Status Release(const SealedSegment&) override { return Unavailable("died"); }
  void Nack(const SealedSegment& segment) override { spool_.Nack(segment); }
  Status Quarantine(const SealedSegment& segment, std::string_view reason) override { return spool_.Quarantine(segment, reason); }
  void SealNow() override { spool_.SealNow(); }
  bool Empty() override { return spool_.Empty(); }
  Status Health() override { return spool_.Health(); }

 private:
  Spool& spool_;
};

}  // namespace

void ShipperTest::DieWithASegmentInDoubt(HowFar how_far) {
  ASSERT_EQ(ToText(Migrate(*client_)), "OK");
  spool_->SealNow();
  DyingSpool dying(*spool_);
  auto segment = dying.Claim(kLong);
  ASSERT_TRUE(segment.has_value());
  if (how_far == HowFar::kMarked) {
    ASSERT_EQ(ToText(dying.MarkInDoubt(*segment)), "OK");
  } else {
    Shipment shipment(std::move(*segment));
    EXPECT_EQ(Message(SegmentShipper(dying, *client_, options_).Try(shipment, kLong).status()), "died");
  }
  OpenSpool();
}

}  // namespace vora::analytics
