-- Made by services/proto/generate.sh from the schema.
local FIELDS = {
  {"^/orders$", {clientOrderId = true, client_order_id = true, expireTime = true, expire_time = true, icebergQty = true, iceberg_qty = true, price = true, quantity = true, quoteOrderQty = true, quote_order_qty = true, selfTradePrevention = true, self_trade_prevention = true, side = true, stopPrice = true, stop_price = true, symbol = true, timeInForce = true, time_in_force = true, trailingDelta = true, trailing_delta = true, type = true}},
  {"^/withdrawals$", {address = true, amount = true, asset = true, clientWithdrawalId = true, client_withdrawal_id = true, network = true}},
  {"^/admin/deposits$", {amount = true, asset = true, reference = true, userId = true, user_id = true}},
  {"^/admin/adjustments$", {amount = true, asset = true, reason = true, reference = true, userId = true, user_id = true}},
  {"^/admin/withdrawals/[^/]+/retry$", {reason = true, withdrawalId = true, withdrawal_id = true}},
  {"^/admin/withdrawals/[^/]+/cancel$", {reason = true, withdrawalId = true, withdrawal_id = true}},
  {"^/admin/withdrawals/[^/]+/fail$", {reason = true, reverted = true, spentBy = true, spent_by = true, withdrawalId = true, withdrawal_id = true}},
  {"^/admin/withdrawals/pause$", {reason = true}},
  {"^/admin/withdrawals/resume$", {reason = true}},
  {"^/admin/liabilities$", {}},
  {"^/admin/limits$", {limits = true, maxDailyVolume = true, maxOpenOrders = true, maxOrderNotional = true, max_daily_volume = true, max_open_orders = true, max_order_notional = true, priceCollarBps = true, price_collar_bps = true, reason = true, symbol = true, userId = true, user_id = true}},
  {"^/admin/users/[^/]+/suspend$", {mode = true, reason = true, userId = true, user_id = true}},
  {"^/admin/users/[^/]+/restore$", {reason = true, userId = true, user_id = true}},
  {"^/admin/reviews/[^/]+/approve$", {reason = true, withdrawalId = true, withdrawal_id = true}},
  {"^/admin/reviews/[^/]+/deny$", {reason = true, withdrawalId = true, withdrawal_id = true}},
  {"^/admin/addresses$", {actor = true, address = true, chain = true, network = true, reason = true, rule = true, time = true, userId = true, user_id = true}},
}
