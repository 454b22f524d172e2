"""What is said on the control socket of the server: orders to it, numbers back."""

import struct

ORDER, NUMBER = struct.Struct("=ci"), struct.Struct("=i")
START, END = b"s", b"e"
