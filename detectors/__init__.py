"""What is suspicious: Sigma rules compiled to a plan, and the batch loop that runs it.

`check.load_rules` reads rules and gives the plan; `loop` runs a plan over packets;
`ruletest` runs the tests that stand beside each rule.
"""
