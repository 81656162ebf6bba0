"""Guided help, as data: what people say happens, and for each of it the checks that help most often, best first.

Every topic ends with the way on. Where a kind of case does not exist yet it says so, and what to do meanwhile.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """Something to try. `title` is the action, `says` is why or how."""

    title: str
    says: str


@dataclass(frozen=True)
class Way:
    href: str
    title: str
    says: str


@dataclass(frozen=True)
class Topic:
    """`asks` is how people say it on the first page, with a `hint`; an empty one is only linked to."""

    asks: str
    hint: str
    title: str
    lede: str
    checks: tuple[Check, ...]
    ways: tuple[Way, ...] = ()
    missing: str = ""
    """What is not built yet, and what to do meanwhile; empty if nothing is missing."""


RECOVER = Way(
    "/", "Get a code and choose a new password", "About two minutes. You need the e-mail address or the phone."
)
NO_MESSAGE = Way("/help/no-message", "The code never comes", "Where it usually is, and when you can ask again.")
PERSON = Way("/help/other", "Ask a person", "What to write, so that one answer is enough.")

TOPICS: dict[str, Topic] = {
    "wrong-password": Topic(
        "My username or password is “wrong”",
        "Again and again, although I am sure about it",
        "My username or password is “wrong”",
        "Most often one letter is not what it looks like. These checks take a minute.",
        (
            Check("Look at what you type", "Use the “show” button. Check capital letters, and spaces at the end."),
            Check(
                "Try each name that you may have used",
                "The username, the e-mail address and the phone number are three different ways in.",
            ),
            Check(
                "Delete what the browser filled in",
                "Password managers keep old passwords. Type it by hand once, or look up the newest entry.",
            ),
            Check(
                "Did you change it lately?", "The older one no longer works anywhere. Search your mail for a notice."
            ),
        ),
        (RECOVER,),
    ),
    "no-message": Topic(
        "The code never comes",
        "By e-mail or by text message",
        "The code never comes",
        "It is usually there, only somewhere else. Look in this order.",
        (
            Check(
                "Look in the spam folder",
                "Also in folders such as “Promotions”. Mark the message as “not spam”, so that the next one arrives.",
            ),
            Check(
                "Is it the right address?",
                "The page shows what you typed. If a letter is wrong, start again with the right one.",
            ),
            Check(
                "Is it the address of this account?",
                "We send only if it belongs to the account, and for safety never say whether it does.",
            ),
            Check(
                "Wait ten minutes",
                "Most messages arrive within one. Some providers hold messages from new senders back.",
            ),
            Check(
                "Look for blocks and filters",
                "A rule that moves or deletes mail, a full mailbox, a blocked sender, a phone that takes no messages"
                " from unknown numbers.",
            ),
            Check(
                "Ask for a new code",
                "The page of your case says from when: one minute after the first, two after the second, five after"
                " each later one. The newest code is the only one that works.",
            ),
            Check("Use the other channel", "After the first wait the page offers a text message, or e-mail instead."),
        ),
        (
            RECOVER,
            Way("/help/changed-contact", "I no longer have that phone or mailbox", "Then another way is needed."),
        ),
    ),
    "code-refused": Topic(
        "The code comes, but it is refused",
        "“Not correct” or “expired”",
        "The code comes, but it is refused",
        "A code works for a few minutes, and only the newest one does.",
        (
            Check("Use the newest message", "Asking again ends the code before. Messages can arrive in another order."),
            Check(
                "Enter it where you asked", "It belongs to the page in which you started. The link works elsewhere too."
            ),
            Check("Be in time", "The page says until when the code works. The link in the message works longer."),
            Check("Paste it", "Spaces do not matter. After five wrong tries the page offers a new code."),
        ),
        (RECOVER,),
    ),
    "error-codes": Topic(
        "An error message with a number",
        "Such as E-403 or 500",
        "An error message with a number",
        "The first figure says whose turn it is.",
        (
            Check("400 to 428", "What was sent was not understood. Check what you typed, and load the page again."),
            Check("429", "Too many tries. Wait for as long as the page says; more tries make it longer."),
            Check("500 to 599", "It is our side. Wait a few minutes. Nothing that you sent is lost."),
            Check("Any other", "Write down the number, the time, and what you did just before."),
        ),
        (Way("/help/try-again", "Try again in a moment", "What is worth trying, and for how long."), PERSON),
    ),
    "app-version": Topic(
        "The app shows an empty screen, or crashes",
        "Since an update, or because there was none for long",
        "The app shows an empty screen, or crashes",
        "An app that is too old may not know how to sign in any more.",
        (
            Check("Update the app", "Open the app store of your phone and look for an update."),
            Check("Restart the phone", "It ends whatever hangs in the background."),
            Check("Use the browser instead", "Everything on these pages works without the app, on any device."),
            Check("Install the app again", "Only if you know your password, or have set a new one here."),
        ),
        (RECOVER, PERSON),
    ),
    "connection": Topic(
        "It loads for ever, or says that there is no connection",
        "",
        "It loads for ever, or says that there is no connection",
        "A weak connection looks like a wrong password or a broken app.",
        (
            Check("Open another site", "If that does not load either, it is the connection."),
            Check("Change the network", "From Wi-Fi to mobile data, or the other way round."),
            Check("Switch VPN and blockers off for a moment", "Some of them hold back what a sign-in needs."),
            Check("Check date and time of the device", "If they are wrong, no secure connection is made."),
        ),
        (RECOVER,),
    ),
    "sign-out-and-in": Topic(
        "I am signed in, but things do not work",
        "Old pictures, missing messages, buttons that do nothing",
        "I am signed in, but things do not work",
        "Signing out and in again fetches everything anew. Make sure first that you can get back in.",
        (
            Check("Check the contacts of the account", "Can you open the e-mail address, or the phone?"),
            Check("Sign out, close the app, sign in", "In a browser: close all its windows in between."),
            Check("Sign in on another device", "If it works there, the fault is on the first one."),
        ),
        (RECOVER,),
    ),
    "try-again": Topic(
        "",
        "",
        "Try again in a moment",
        "Some faults end by themselves. It is worth waiting, but not for ever.",
        (
            Check("Wait five minutes, then try once", "Many tries in a row are stopped for a while by themselves."),
            Check("Try another network or device", "It tells whether the fault is there."),
            Check("Still the same after an hour?", "Then ask a person, with the time and the words of the message."),
        ),
        (PERSON,),
    ),
    "changed-contact": Topic(
        "I no longer have that phone or mailbox",
        "Lost, stolen, changed, or closed",
        "I no longer have the phone or the mailbox",
        "First look for a way that you still have. It takes minutes, where a person takes days.",
        (
            Check("Is there a second contact?", "Any e-mail address or phone number of the account will do."),
            Check("Are you still signed in somewhere?", "An old tablet, a browser at work: change the contact there."),
            Check("Ask for the number back", "Your phone company can put your number on a new card."),
            Check("Ask the mail provider", "Many mailboxes can be recovered for some weeks."),
        ),
        (
            RECOVER,
            Way(
                "/claim?reason=contact",
                "I have neither: make a claim",
                "You say what you know about the account, and a person decides. It takes days.",
            ),
        ),
    ),
    "hacked": Topic(
        "Somebody changed things that I did not",
        "Name, e-mail address, posts, payments",
        "Somebody else is in my account",
        "Set a new password now, while a contact of the account is still yours. It signs everybody out.",
        (
            Check("Set a new password", "It ends all sessions on every device, and the access of connected apps."),
            Check(
                "Use “this was not me”",
                "Did we write that the password was changed? The link in that message freezes the account at once.",
            ),
            Check("Secure the mailbox", "Change its password too. Whoever reads it can get in again."),
            Check("Then check the account", "Contacts, connected apps, payments: take out what is not yours."),
        ),
        (
            RECOVER,
            Way(
                "/claim?reason=compromised",
                "No contact is mine any more: make a claim",
                "Prove one that was yours lately, and the account is frozen at once. We answer within 4 hours.",
            ),
        ),
    ),
    "deleted": Topic(
        "I deleted my account",
        "By mistake, or I changed my mind",
        "I deleted my account",
        "A deleted account waits some time before it is gone for good, so be quick.",
        (
            Check("Look at the message about the deletion", "It says on which day the account is deleted for good."),
            Check("Do not open a new one with the same name", "It can be in the way when the old one comes back."),
        ),
        (
            Way(
                "/claim?reason=deleted",
                "Make a claim",
                "Bringing it back by yourself is not built into these pages yet. A person looks at it.",
            ),
        ),
    ),
    "banned": Topic(
        "It says that the account is banned or restricted",
        "For a time, or for good",
        "I was banned or restricted",
        "A new password does not lift a ban. The reasons and the end of it are in the message that we sent.",
        (
            Check(
                "Read the reasons", "Search your mail for the statement of reasons. It names the rule and the facts."
            ),
            Check("Is it for a time?", "Then it ends by itself on the day that the message names."),
            Check("Was somebody else in your account?", "Say so: it matters for the decision."),
        ),
        (Way("/help/hacked", "Somebody else was in my account", "What to do first."),),
        "Appeals are not built into these pages yet. You have six months from the message for one.",
    ),
    "other": Topic(
        "Something else",
        "Tell a person in your own words",
        "Ask a person",
        "One message with everything in it gets the quickest answer.",
        (
            Check(
                "Which account", "The username, and an address or number of it. From there we can write back safely."
            ),
            Check("What happens", "The words on the screen, the number of the error, since when, on which device."),
            Check("What you tried", "So that nobody asks you to do it again."),
            Check("What never belongs in it", "A password, a code, a recovery code. Nobody here asks for them."),
        ),
        (Way("/claim?reason=other", "Write to a person", "You get a page of your own, and an answer in 24 hours."),),
    ),
}
