"""Images, JPEG and video: reading, writing, hashing, and the store of downloaded images."""
