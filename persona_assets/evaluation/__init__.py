"""How good the lists are: against what people did next, against each other, and beyond accuracy.

Belongs here: what counts as relevant (`relevance`), which listed products were hits (`hits`), the
metrics made of hits (`metrics`) and their intervals (`uncertainty`), the tables of group
`evaluation` (`offline`, `beyond_accuracy`, `comparison`), the synthetic shop's ceiling (`ceiling`)
and the plots of all that (`plots`). Does not belong here: making lists (`recommenders/`) and
online experiments (`experiments/`).
"""
