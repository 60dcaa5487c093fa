"""The sound of every recording."""

from __future__ import annotations

import io
import math
import struct
import wave


def _tone() -> bytes:
    """One second of 440 Hz, 8 kHz mono, as a WAV file: the recording of every call."""
    samples = (round(8000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(8000))
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return written.getvalue()


TONE = _tone()
