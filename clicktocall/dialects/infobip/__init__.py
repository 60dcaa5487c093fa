"""What is said to and by Infobip's voice products: click-to-call, voice message, outbound IVR.

Facts are from Infobip's API reference (OpenAPI 3.210) and its pages on status and error codes.
"""
