"""How a message leaves the house: written, logged, handed to a mail server or an SMS provider, once.

What a message says is in `activities/mail/`; why and to whom it goes is decided by the activities that call `Sender`.
"""
