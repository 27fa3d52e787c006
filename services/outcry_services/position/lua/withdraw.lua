-- A withdrawal's funds, held until its payout ends.
return hold('WITHDRAW')
