"""The Discord face, one cog a concern: call, render, send."""
