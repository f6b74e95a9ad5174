"""Xã Tiên Cảnh 2024: a made-up year of a real commune's work, in which every case of a task's life happens once."""
