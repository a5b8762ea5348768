#pragma once

// Webhooks over REST: who is told, what was told, and that it be told again. For operators, bound to the caller's tenant.

#include "services/metadata/api/api_routes.h"

namespace vora::metadata {

class WebhookDispatcher;
class WebhookRepo;
class WebhookSender;

void AddWebhookRoutes(ApiRoutes& routes, WebhookRepo& webhooks, WebhookSender& sender, WebhookDispatcher& dispatcher);

}  // namespace vora::metadata
