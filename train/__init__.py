"""Train, judge and run the models. Reads snapshots, writes run folders; `train.record` alone imports nothing heavy."""
