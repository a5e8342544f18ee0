"""Every constant of the detector, once, with its reason; nothing else is tuned.

Times are milliseconds, rates shares of the trials that fail while all is well.
"""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# --- time buckets
FINE = 1 * HOUR
"""Younger mail is counted by the minute: an outage's edge is visible."""
MIDDLE = 6 * HOUR
"""Younger mail is counted by 5 minutes, older by the hour."""
KEEP = 6 * DAY
"""Older mail is forgotten: the longest report takes 5 days."""
COMPACT_EVERY = 30 * MINUTE
"""Old buckets are joined at most this often."""
DECAY = 0.9
"""Of all learned counts, per day: a lasting new level is learnt in a week."""

# --- base rates: factor * (votes + prior votes) / (trials + prior trials)
PRIOR_TRIALS = 300.0
"""Trials that the prior counts for."""
SENDER_FACTOR = 1.5
"""A sequential test on bursty mail must not start from the mean."""
SENDER_PRIOR = 0.6
"""0.2 % of 300: what sender-side failures are in ordinary life."""
SENDER_FLOOR = 0.01
"""Below 1 % three coincident failures would page a big tenant."""
SUBMISSION_FLOOR = 0.005
"""Our own hop slips less often than others': small tenants would wait too long."""
SENDER_CAP = 0.12
"""More than this is no ordinary life: it must not be learnt as such."""
OTHER_FACTOR = 2.5
"""Recipients' side bounces cluster: unknown users, content, unknown texts."""
OTHER_PRIOR = 1.5
"""0.5 % of 300."""
OTHER_FLOOR = 0.015
"""As for the sender classes, a little wider ..."""
OTHER_CAP = 0.15
"""... both ways."""
PROVIDER_FACTOR = 1.5
"""As for the sender classes."""
PROVIDER_TRIALS = 60.0
"""A provider starts from so many trials at the tenant's own rate."""
PROVIDER_FLOOR = 0.02
"""One provider of several: more tests, so a higher floor."""
PROVIDER_CAP = 0.15
"""As for the other classes."""
PROVIDER_SLACK = 0.02
"""The floors of both rates added would count ordinary failures twice."""

# --- alternatives
SUBMISSION_SHARE = 0.25
"""One host of four is broken; the test is flat above that."""
SENDER_SHARE = 0.25
"""The same behind our own hop."""
OTHER_SHARE = 0.40
"""A directory or content failure hits more, and its base is noisier."""
PROVIDER_SHARE = 0.50
"""A provider that refuses us refuses most."""
SHARE_FACTOR = 3.0
"""An alternative is at least this times the base rate ..."""
SHARE_CAP = 0.6
"""... and at most this."""
WEAK_SHARE = 0.07
"""One host of 16, a reputation that decays."""
WEAK_FACTOR = 2.5
"""A weak alternative is at least this times the base rate ..."""
WEAK_CAP = 0.5
"""... and at most this."""

# --- opening
THRESHOLD = 9.0
"""e^9 trials between two false alarms at THRESHOLD_VOLUME mails a day ..."""
THRESHOLD_VOLUME = 200.0
"""... and the logarithm of more volume on top: as few a week at any volume."""
PROVIDER_EXTRA = 1.0
"""One of several providers: more tests."""
WEAK_EXTRA = 2.0
"""A second test on the same mail."""
OVER = 6.0
"""The ratio stops so far above: a long outage must not need a long recovery."""
CUSTOMERS = 3
"""Two customers are a coincidence."""
PROVIDER_CUSTOMERS = 4
"""One of several providers: more coincidences."""
WEAK_CUSTOMERS = 8
"""A weak signal must be broad."""
SPAN = 60 * SECOND
"""Between the first evidence and an alert: a slip of seconds is none."""
PASSING_SPAN_LEAST = 120 * SECOND
"""The same for what heals by itself: a restart takes 20 to 90 s ..."""
PASSING_SPAN_MOST = 600 * SECOND
"""... or 5 mean gaps between mails, up to this."""
PASSING_GAPS = 5
"""A blip in rare mail looks long."""
PASSING_CUSTOMERS = 20
"""So many failing customers are no blip: they wait for the least span only."""
WEAK_SPAN = 600 * SECOND
"""A weak signal has time."""
AGAIN = 15
"""So many good mails in a row restart the span: blips are no outage."""
WORKS = 1.5
"""Not opened by time once mail since the last failure works, with odds of e^1.5."""
STALE = 1 * HOUR
"""Replies older than this open nothing: the backlog of an outage that is over."""
CLOCK_PERIOD = 6 * HOUR
"""The least lag of two such periods tells a clock that is behind from a backlog."""
CLOCK_SLACK = 10 * MINUTE
"""A clock that is less behind does no harm; shippers of logs are late by some."""
CLOCK_STEADY = 1 * HOUR
"""Old mail that is read in one go is ever younger; a clock stays behind."""
CUSTOMERS_KEPT = 64
"""Customers remembered per channel; more say nothing new."""
CHRONIC = 1 * DAY
"""A customer whose failures come to nothing again within this ..."""
CHRONIC_TIMES = 2
"""... so often fails by itself: it has no vote until it is quiet for as long."""
CHRONICS_KEPT = 32
"""Such customers remembered per hop."""
PROVIDERS = 8
"""Provider channels per tenant."""
WEAKEST = 4.0
"""A provider channel below this ratio makes room for a new one."""
COUNTED_PROVIDERS = 8
"""Providers with counters of their own per tenant."""
RATES_KEPT = 24
"""Providers whose rate is kept over midnight ..."""
RATES = 40
"""... and during the day."""
QUIET_CHANNEL = 1 * DAY
"""A provider channel without a failure for so long is dropped."""

# --- reports of non-delivery
LAG_EDGES = (10, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200, 14400, 28800, 86400,
             172800, 432000)  # fmt: skip
"""Upper edges of the lags of reports, in seconds."""
LAG_PRIOR = (.05, .13, .14, .16, .19, .11, .08, .05, .03, .03, .015, .01, .003,
             .002, .0)  # fmt: skip
"""Shares of the reports by lag, before a tenant's own are known."""
LAG_WEIGHT = 20.0
"""Reports that the prior counts for."""
LAG_LEARN = 0.05
"""Share of the prior that comes back every day, so that lags are unlearnt."""
LAG_DECAY = 0.98
"""Of the lag that an incident reckons with, per failure that took less ..."""
LAG_RISE = 0.3
"""... and how far one that took more lifts it: one straggler keeps nothing open."""

# --- scope
TENANT_ODDS = 3.0
"""Log-odds that move an open alert from a provider to the tenant ..."""
PROVIDER_ODDS = -4.0
"""... and from the tenant to a provider."""
PROVIDER_DOMINANCE = 0.6
"""An alert about a provider holds at least this share of the votes."""
MOST = 0.8
"""What an operator that refuses us refuses at most, for whom nothing is counted."""
REFINE = 30 * MINUTE
"""After opening, scope and cause may move for so long ..."""
REFINE_GAPS = 40
"""... or for so many mean gaps between mails ..."""
REFINE_MOST = 24 * HOUR
"""... up to this."""
TWIN = 1 * HOUR
"""Trouble beyond a provider that has an incident, within this time, is the same."""
TWIN_ALIKE = 24 * HOUR
"""A second provider with the same trouble while the first has it: the tenant."""
CONTRADICTED = (0.15, 0.05)
"""Share of customers with proof that makes an alert a mismatch, and keeps it one ..."""
CONTRADICTIONS = 2
"""... if there are so many: one must not make a page a warning."""
NAMED = 3
"""`unknown` is no cause once another class has so many customers."""
TELL_EVERY = 15 * MINUTE
"""Figures of an open incident are told anew at most this often ..."""
TELL_PART = 4
"""... and after this part of its age: who reads them knows by then."""
TELL_GROWN = 10
"""Sooner when so many more are hit, or twice as many: nobody shall read 7 for 95 ..."""
TELL_SOON = 1 * MINUTE
"""... but not before this, then after 2 minutes, 4, 8: not all the time."""

# --- resolving
RECOVERED = 8.0
"""Reversed log-likelihood ratio that means: it works again."""
RECOVERED_CAP = 12.0
"""So that a relapse is noticed after a long recovery."""
RECOVERED_GOODS = 3
"""Good mails at least."""
RECOVERY_SHARE = 0.03
"""An incident's failing share is at least this, and ..."""
RECOVERY_FACTOR = 2.2
"""... this times the base rate."""
HOLD = 20 * MINUTE
"""Of working: 12 minutes on and 8 off is one incident."""
HOLD_PAUSES = 2
"""The same for what has come back: so many of the pauses that it last made ..."""
RELAPSE = 4 * HOUR
"""... and this at most; after a longer pause it is another incident."""
CHECK_EVERY = 30 * SECOND
"""Between two looks at an open incident."""
RIPEN = 10 * MINUTE
"""An open incident is looked at so often: in time, what was sent has not bounced."""
LAGS = 2
"""Mail is old enough for recovery after so many lags of the incident's reports ..."""
LAG_SPREAD = 1 * HOUR
"""... or one and this: what takes hours is a queue's patience, which hardly varies."""
LAG_MARGIN = 60 * SECOND
"""... and this on top."""

# --- servers whose failures are untrue
LIED_TO = 3
"""Customers that make a pattern: two are a coincidence."""
LIE_MEMORY = 7 * DAY
"""... within this time; and a pattern is over after so long without a new one."""
LIED_TO_KEPT = 32
"""Customers remembered per server; more say nothing new."""
LIARS_KEPT = 8
"""Servers remembered per tenant."""

# --- many tenants
SUSPECT_RATE = 0.005
"""A calm tenant becomes suspect with this probability in 15 minutes."""
CROWD_WINDOWS = ((2 * MINUTE, 3), (15 * MINUTE, 4))
"""Suspects of one family within a window that may be one fault."""
CROWD_SIGMA = 5.0
"""... and so far beyond what coincidence allows."""
CROWD_WINDOW = 15 * MINUTE
"""Of the suspect rate, and for looking at peers."""
INCIDENT_RATE = 0.0005
"""A tenant has an incident with this probability in 15 minutes: one in three weeks."""
SIBLINGS = 3
"""Incidents of a kind that may be one fault ..."""
SIBLING_WINDOW = 30 * MINUTE
"""... within this: where little mail fails, one is seen early, another late."""
SIBLINGS_BY_CHANCE = 0.1
"""Where more incidents than this are usual in 15 minutes, the second does not wait."""
SIBLING_WAITS = 6 * MINUTE
"""The second is a part of the first for so long, and then a page of its own."""
SUSPECTS = 2
"""Customers that make a tenant suspect."""
SUSPECT_FOR = 30 * MINUTE
"""A suspicion counts from its beginning for so long."""
COMPANY = 90 * SECOND
"""The first of several suspects waits so long for the others, once."""
ACTIVE = 15 * MINUTE
"""A tenant is active while it has mail in this time."""
TROUBLED = 6 * HOUR
"""A tenant tells of its good mail, too, for so long after a failure."""
SHOWS_AS = 0.1
"""A fault shows as a class that so many of its customers fail with, too."""
ORPHAN = 30 * MINUTE
"""A child that goes on failing so long after its parent's end is paged."""
AFTER = 10 * MINUTE
"""Evidence that began up to this after a parent's end belongs to it."""
CHILDREN = 64
"""Tenants whose mail decides when a parent is over: more say nothing new."""
CHILDREN_TOLD = 100
"""Keys of children in an alert."""
NAMES = 256
"""Domains known to be run by a parent's provider."""
SETTLED = 2 * HOUR
"""Minutes of a parent older than this are kept as sums ..."""
FIVE = 5 * MINUTE
"""... of 5 minutes."""
PARENTS = 50
"""Parents remembered after their end, for stragglers."""

# --- one provider, all tenants
POOL_THRESHOLD = 13.0
"""All tenants' mail: the threshold of a stream of 10,000 a day."""
POOL_CUSTOMERS = 8
"""Broad, because tenants differ."""
POOL_TENANTS = 3
"""Two tenants are a coincidence."""
POOL_DOMINANCE = 0.6
"""No tenant holds more of the votes: it would be that tenant's trouble."""
POOL_SPAN = 120 * SECOND
"""A provider restarts, too."""
POOL_FLOOR = 0.012
"""As for a tenant's sender classes."""
POOL_CAP = 0.10
"""More than this is no ordinary life."""
POOL_SHARE = 0.06
"""The weak alternative: tenants dilute each other."""
POOL_SHARE_FACTOR = 3.0
"""... and at least this times the base rate."""
POOLS = 32
"""Providers whose mail is added up over all tenants."""
POOL_KEPT = 512
"""Customers remembered per provider."""
POOL_MINUTES = 400
"""Minutes remembered per provider."""
POOL_CHECK = 20 * SECOND
"""Between two looks at a provider."""
