"""The provider `local`: a Kubernetes cluster of two nodes from plain processes.

Everything of one cluster lives in Linux namespaces of its own (network, mounts, processes) below
one supervisor, and in cgroups of its own. So several clusters stand side by side with the same
ports, iptables rules and mount points, and killing the supervisor frees all of it, whatever state
it was in.
"""
