"""How good the lists are: against what people did next, against each other, and beyond accuracy.

Belongs here: what counts as relevant (`relevance`, `splits`), which listed products were hits
(`lists`, `hits`, `expected`), the metrics made of hits (`metrics`), their uncertainty
(`uncertainty`, `paired`), everything about one cut-off (`evaluated_week`), the tables of group
`evaluation` (`offline`, `beyond_accuracy`, `segments`, `pairwise`, `cold_start`, `staleness`,
`comparison`), the synthetic shop's oracle (`oracle`) and the plots of all that
(`evaluation_plots`). Does not belong here: making lists (`recommenders/`) and online experiments
(`experiments/`).
"""
