// Package comments is live comments for pages anywhere: the server of the widget
// /comments.js, on the namespace "/comments" and under the path /comments/.
//
// It is a handler beside the road. What is said lies in a Store (package store) and nowhere
// else; what clients hear is read back from there, in the order of the store, so a node that
// dies, or a packet that is lost between nodes, loses nothing. Its parts:
//
//	store     what is kept: SQLite or PostgreSQL, one code for both
//	markup    Markdown to HTML that is safe to show
//	guard     what is held or refused: word lists, honeypot, duplicates, limits
//	staff     moderators: one-time links, passwords, sessions
//	archive   export, import, and what is known of one user
//
// # Who is who
//
// A site has a name, the origins of its pages, a secret and settings; nothing of a site is
// seen from another. CONNECT carries {"site": "blog"} and perhaps one of:
//
//	token     a JSON Web Token that the site signed (HS256 with its secret): sub, name, avatar?, roles?, exp
//	guest     {secret, name?}: a secret that the page made up (package visitor), where the site takes guests
//	moderate  true: the session cookie of the moderator page, which must be of the same origin
//
// With none it is a reader, who may read. The public id of a user is "u_" or "g_" and 16
// characters; m_ are accounts of moderators. The role "moderator" in a token moderates too.
// The server's own --auth options and blocks do not count on this namespace, which has bans; its limits do.
// CONNECT_ERROR has data {code, message}: bad_request, unknown_site, origin_refused,
// invalid_token, token_expired, guests_refused, bad_secret, unauthorized.
//
// # Cursors
//
// A store counts the changes of a site: seq goes up with each comment that is new, edited,
// deleted or moderated, tally with each vote or reaction. A cursor is "seq.tally" and says up to
// where a client knows a site. Changes are told in order, each comment whole and as it is
// now, so one that changed twice may come once. What is told twice does no harm: of two
// states of a comment the one with the higher seq holds, of two tallies the later one.
//
// # The form of a comment
//
//	{id, page, parent?, depth, author: {id, name, avatar?, role?, guest?}, html, state, created,
//	 edited?, pinned?, up, down, reactions: {"👍": 3}, seq}
//
// Times are milliseconds since 1970. state is published, pending, rejected or deleted; the public
// sees only published ones, and of others that it has seen {id, page, parent?, depth, state,
// created, seq}, so that threads keep together. Authors see their own pending ones;
// moderators see all, with flags, held (reasons) and text. A page is a key that the site
// chose, such as "/post-1", at most 512 bytes.
//
// # What a client sends
//
// One object, and an ack, which is the one below or {"error": {code, message, field?, retryAfter?}}
// with retryAfter in seconds.
//
//	event         argument                                ack
//	join          {page, cursor?, stamp?}                 {page: Page, cursor, comments, tallies, mine, viewers?, stamp} or the same with reset: true: get a snapshot
//	leave         {page}                                  {}
//	post          {page, parent?, text, key, title?, url?, website?, stamp?}   {comment}
//	edit          {id, text}                              {comment}
//	delete        {id}                                    {comment}
//	source        {id}                                    {text}                 of one's own, or for moderators
//	vote          {id, value: 1|0|-1}                     {id, up, down, value}
//	react         {id, reaction, on}                      {id, reactions, mine}
//	flag          {id, reason?}                           {flagged: true}
//	typing        {page}                                  none
//	sign-in       {token} or {guest}                      {user: User}           also a new token before the old one ends
//	sign-out      {}                                      {}
//	watch-counts  {pages}                                 {counts: {page: n}}    at most 100; replaces the ones before
//	preview       {text}                                  {html}
//
// key is made up by the client for each comment: sent again, it is the same comment. website is the
// honeypot: people do not see it. stamp comes from join and says since when the page is open; it is given
// again after a reconnect. mine is {user?: User, votes: {id: 1}, reactions: {id: ["👍"]}, pending: [comment]}.
// Page is {key, count, locked, readOnly, readOnlyReason?: locked|age}; User is {id, name, avatar?, guest?, moderator?}.
// A join without a cursor is answered with reset: true. An answer to a comment at the deepest level is put beside that,
// under the same parent, which is in the ack. Authors change a comment within the edit window, and delete it at any
// time; what waits stays pending when it is changed. On a page that is closed or too old moderators may still write.
// A page takes no votes and reactions either then; nobody votes for, or flags, a comment of one's own.
//
// For moderators of the site:
//
//	watch      {}                                          {pending, flagged}     hears queue and decision from then on
//	queue      {state?: pending|flagged|published|rejected|deleted|all, page?, user?, text?, before?, limit?}   {comments, next?, pending, flagged}
//	moderate   {ids, action: approve|reject|delete|restore|pin|unpin|unflag, note?}   {done: [id], failed: [{id, code, message}]}
//	ban        {user, seconds?, reason?, reject?: bool}    {ban}       seconds 0 or none: for good; reject: all that is published or pending of the user too
//	unban      {user}                                      {}
//	bans       {}                                          {bans: [{user, name, by, reason, created, expires?}]}
//	lock       {page, locked}                              {page: Page}
//	log        {before?, limit?}                           {decisions: [{id, time, by, byName, action, comment?, page?, user?, note?}], next?}
//	person     {user}                                      {user: User, comments, published, rejected, flagged, first, ban?}
//	site       {}                                          {name, origins, settings}
//	settings   {settings}                                  {settings}  those that are named; unknown ones are refused. Who moderates by the role of a token leaves hookURL as it is
//
// # What a client hears
//
//	comments   {page, seq, comments}                 of pages that it joined, and its own pending ones; at most every 50 to 200 ms
//	tally      {page, tally, counts: [{id, up, down, reactions}]}   at most once a second
//	page       {page: Page}                          locked, unlocked; another count, at most once a second
//	viewers    {page, count}                         where the site shows them, at most once a second
//	typing     {page, names, count}                  where the site shows it; volatile; no names of more than 3; nobody is told of oneself, up to 3
//	counts     {counts: {page: n}}                   of watched pages, each at most once a second
//	reset      {page}                                what is known is too old: get a snapshot
//	settings   {site}                                the public settings, when they changed
//	queue      {comments, pending, flagged}          moderators: what changed
//	decision   {decision}                            moderators: who decided what
//	signed-out {code, message}                       the token has ended; reading goes on
//
// Codes of errors: bad_request, unauthorized (sign in first), forbidden, banned (with expires?), not_found,
// locked, read_only, too_long, empty, too_late (edit window), rejected (a filter; says why as far as it may),
// duplicate, too_fast (minimum time on page), rate_limited, unknown_event, failed.
//
// # HTTP
//
// Under /comments/v1/SITE, for the origins of the site (CORS without credentials), problems as
// RFC 9457:
//
//	GET  snapshot?page=&sort=newest|oldest|top&after=&with=   {site, page: Page, cursor, sort, comments, next?}; ETag
//	GET  counts?page=&page=...     {counts: {page: n}}; POST {pages} for many; at most 100
//	GET  events?page=              server-sent events: comments, tally, page, reset, and ready {cursor} once it has caught up; ids are cursors; without page: the site
//	GET  feed.atom?page=           Atom; without page: the site
//	POST setup {link, name, password}, login {name, password}, logout; GET session     the moderator page's own, same origin only; a cookie sockeye-comments-SITE
//	POST try                       the site demo, where everybody may moderate it: a session
//
// The one-time link of sockeye comments init is /comments/setup?site=SITE#SECRET: the secret is in the fragment, which
// is in no log; the page sends it as link to setup of that site. The moderator page is /comments/moderate?site=SITE.
//
// comments are flat, threads one after another in the order of sort, replies oldest first under their
// parent; after is next of the answer before; with is the id of a comment whose thread is to be
// in it. site is the public settings: {name, guests, signIn, moderation, maxDepth, editWindow (s), maxLength,
// reactions, votes, viewers, typing}. A snapshot may be a moment old: its cursor says so. A stream goes on after Last-Event-ID, or cursor=, with what
// was missed, or with reset {page}. Moderators are told {site, user: User, expires}.
// /comments/frame/SITE?page= is the widget as a page for frames, with frame-ancestors of the site's origins; it
// tells the page around it {type: "sockeye:comments:height", height}.
//
// # Hook
//
// Where a site has a hookURL, each comment that the public sees for the first time is sent there once by POST, signed
// with the site's secret as package signature says, with Sockeye-Call: comment:
//
//	{site, page, url, title, comment, text}
//
// Any 2xx says that it arrived. Otherwise it is sent again, after pauses that grow from 10 seconds to an hour, for a day; so it
// may come twice, and comment.id says so. It goes to where the owner of the site says, also within the server's own
// network; redirects are not followed.
//
// # Concurrency
//
// Everything may be called from any goroutine. Each site that somebody listens to has one
// goroutine on each node, its feed, which reads what changed from the store and tells the node's own clients;
// it is woken by writes here, by other nodes (server-side event sockeye:comments), and by the clock: every two
// seconds the store is asked how far all sites are. The server-side event is one object, nodeMessage, which says that
// there is something to read, how many clients of the node are on which pages, and who types:
//
//	{"v":1,"n":"Qm9iIGlzIGhl","site":"blog","s":1042,"t":77}
//	{"v":1,"n":"Qm9iIGlzIGhl","site":"blog","w":{"/post-1":12},"a":true,"ty":[{"p":"/post-1","u":"u_…","n":"Ann"}]}
//
// Locks, in this order: session.mu, site.mu, Comments.mu; none is held while the store is asked.
//
// It refuses to show HTML that markup has not made, and to say that something is stored before
// it is.
package comments
