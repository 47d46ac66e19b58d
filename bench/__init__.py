"""Speed, memory and growth as ratios measured in one run, each beside the peer that it is compared with."""
