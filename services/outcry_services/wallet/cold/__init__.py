"""The online side of the cold wallet: requests and answers as frames of QR codes (BC-UR).

What comes back is compared with what was asked, and every signature is verified, before anything is
broadcast: the frames were made by a camera that saw a screen, and anybody may hold a screen up.

The chains' modules need libraries of their own, which are imported with them alone.
"""
