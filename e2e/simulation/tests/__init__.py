"""Tests of the simulator itself: its loop, its fakes beside the real servers, and what it finds."""
