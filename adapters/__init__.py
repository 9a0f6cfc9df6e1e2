"""The outside world: folder = port, file = system. The house reaches these by word (`datagen.plugins`)."""
