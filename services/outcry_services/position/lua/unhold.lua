-- A withdrawal will never be sent: what was held for it is available again.
return unhold('RELEASE', true)
