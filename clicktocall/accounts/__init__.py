"""Keys, roles and scope: who may act for which account."""
