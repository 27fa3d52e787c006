-- An order's funds.
return hold('HOLD')
