"""What simulated providers share: a server that can fail, a clock, a courier, a sound.

Nothing here knows an adapter, so that a simulator and its adapter can prove each other wrong.
"""
