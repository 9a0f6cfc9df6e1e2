"""Does a clip show what its labels say? One file for each way to find out; the port is `datagen.ports.Judge`."""
