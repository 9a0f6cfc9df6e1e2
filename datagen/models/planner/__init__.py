"""The language model that plans: one terse line per prompt, its grammar, constrained decoding and fine-tuning.

```
   text ─▶ decoding ─▶ "rain day | truck lorry: cut in right gap 4m hard" ─▶ notation ─▶ Plan
              ▲ grammar (derived from the form)
```
"""
