-- A withdrawal is sent: what was held for it is the user's no more.
return unhold('PAYOUT', false)
