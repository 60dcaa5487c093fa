"""Telling clients what became of their calls: webhooks, and a call's own `notify_url`.

`outbox` writes what is to be sent, in the transaction in which it becomes true; `deliver` sends it
until it arrives or is given up; `subscribe` is how doors change webhooks and replay deliveries.
"""
