module outcry.trade/e2e/cluster/servers/pause

go 1.25
