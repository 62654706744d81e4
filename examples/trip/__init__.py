"""Two hundred trips over three services that fail on purpose. Run `python -m examples.trip`; begin reading in `booking.py`."""
