-- +goose Up
-- Times are milliseconds since 1970 and 0 where there is none; lists and maps are JSON.

CREATE TABLE sites (
    name     TEXT COLLATE "C" PRIMARY KEY,
    origins  TEXT NOT NULL,
    secret   TEXT NOT NULL,
    settings TEXT NOT NULL,
    hooked   BIGINT NOT NULL,
    created  BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    tally    BIGINT NOT NULL,
    floor    BIGINT NOT NULL
);

CREATE TABLE pages (
    site    TEXT COLLATE "C" NOT NULL REFERENCES sites ON DELETE CASCADE,
    key     TEXT COLLATE "C" NOT NULL,
    title   TEXT NOT NULL,
    url     TEXT NOT NULL,
    created BIGINT NOT NULL,
    locked  BIGINT NOT NULL,
    count   BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    PRIMARY KEY (site, key)
);
CREATE INDEX pages_seq ON pages (site, seq);

-- search is text and name in lower case. alive, of the first comment of a thread, is how many of the
-- thread are published, and score its votes.
CREATE TABLE comments (
    site      TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    page      TEXT COLLATE "C" NOT NULL,
    parent    TEXT COLLATE "C" NOT NULL,
    root      TEXT COLLATE "C" NOT NULL,
    depth     BIGINT NOT NULL,
    author    TEXT COLLATE "C" NOT NULL,
    subject   TEXT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    avatar    TEXT NOT NULL,
    role      TEXT NOT NULL,
    guest     BIGINT NOT NULL,
    keyed     TEXT NOT NULL,
    text      TEXT NOT NULL,
    html      TEXT NOT NULL,
    search    TEXT NOT NULL,
    hash      TEXT NOT NULL,
    state     TEXT NOT NULL,
    held      TEXT NOT NULL,
    addr      TEXT NOT NULL,
    pinned    BIGINT NOT NULL,
    created   BIGINT NOT NULL,
    edited    BIGINT NOT NULL,
    published BIGINT NOT NULL,
    up        BIGINT NOT NULL,
    down      BIGINT NOT NULL,
    score     BIGINT NOT NULL,
    reactions TEXT NOT NULL,
    flags     BIGINT NOT NULL,
    alive     BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    tally     BIGINT NOT NULL,
    PRIMARY KEY (site, id),
    FOREIGN KEY (site, page) REFERENCES pages ON DELETE CASCADE
);
CREATE INDEX comments_seq ON comments (site, seq);
CREATE INDEX comments_page_seq ON comments (site, page, seq);
CREATE INDEX comments_tally ON comments (site, tally);
CREATE INDEX comments_page_tally ON comments (site, page, tally);
CREATE INDEX comments_created ON comments (site, created, id);
CREATE INDEX comments_thread ON comments (site, root, id);
CREATE INDEX comments_author ON comments (site, author, id);
CREATE INDEX comments_subject ON comments (site, subject) WHERE subject <> '';
CREATE INDEX comments_said ON comments (site, author, hash, created) WHERE hash <> '';
CREATE UNIQUE INDEX comments_keyed ON comments (site, author, keyed) WHERE keyed <> '';
CREATE INDEX comments_newest ON comments (site, page, pinned, id) WHERE parent = '' AND alive > 0;
CREATE INDEX comments_oldest ON comments (site, page, pinned DESC, id) WHERE parent = '' AND alive > 0;
CREATE INDEX comments_top ON comments (site, page, pinned, score, id) WHERE parent = '' AND alive > 0;
CREATE INDEX comments_recent ON comments (site, id) WHERE state = 'published';
CREATE INDEX comments_page_recent ON comments (site, page, id) WHERE state = 'published';
CREATE INDEX comments_pending ON comments (site, id) WHERE state = 'pending';
CREATE INDEX comments_flagged ON comments (site, id) WHERE state = 'published' AND flags > 0;
CREATE INDEX comments_addr ON comments (site, created) WHERE addr <> '';

-- kind is vote, reaction or flag; what is the reaction; value is 1 or -1, or the reason of a flag.
-- A flag that is settled counts no more.
CREATE TABLE opinions (
    site    TEXT COLLATE "C" NOT NULL,
    comment TEXT COLLATE "C" NOT NULL,
    author  TEXT COLLATE "C" NOT NULL,
    kind    TEXT NOT NULL,
    what    TEXT NOT NULL,
    page    TEXT COLLATE "C" NOT NULL,
    value   TEXT NOT NULL,
    settled BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (site, comment, author, kind, what),
    FOREIGN KEY (site, comment) REFERENCES comments ON DELETE CASCADE
);
CREATE INDEX opinions_author ON opinions (site, author, page, comment, what);

CREATE TABLE bans (
    site    TEXT COLLATE "C" NOT NULL REFERENCES sites ON DELETE CASCADE,
    author  TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    by_name TEXT NOT NULL,
    reason  TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (site, author)
);

CREATE TABLE decisions (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site    TEXT COLLATE "C" NOT NULL REFERENCES sites ON DELETE CASCADE,
    created BIGINT NOT NULL,
    by_id   TEXT NOT NULL,
    by_name TEXT NOT NULL,
    action  TEXT NOT NULL,
    comment TEXT COLLATE "C" NOT NULL,
    page    TEXT COLLATE "C" NOT NULL,
    author  TEXT COLLATE "C" NOT NULL,
    note    TEXT NOT NULL
);
CREATE INDEX decisions_site ON decisions (site, id);

CREATE TABLE accounts (
    site     TEXT COLLATE "C" NOT NULL REFERENCES sites ON DELETE CASCADE,
    name     TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    password TEXT NOT NULL,
    created  BIGINT NOT NULL,
    PRIMARY KEY (site, name)
);

CREATE TABLE links (
    hash    TEXT PRIMARY KEY,
    site    TEXT COLLATE "C" NOT NULL REFERENCES sites ON DELETE CASCADE,
    name    TEXT COLLATE "C" NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX links_site ON links (site);

CREATE TABLE sessions (
    hash    TEXT PRIMARY KEY,
    site    TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    account TEXT NOT NULL,
    expires BIGINT NOT NULL,
    FOREIGN KEY (site, name) REFERENCES accounts ON DELETE CASCADE
);
CREATE INDEX sessions_account ON sessions (site, name);

CREATE TABLE hooks (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site    TEXT COLLATE "C" NOT NULL,
    comment TEXT COLLATE "C" NOT NULL,
    tries   BIGINT NOT NULL,
    due     BIGINT NOT NULL,
    problem TEXT NOT NULL,
    FOREIGN KEY (site, comment) REFERENCES comments ON DELETE CASCADE
);
CREATE INDEX hooks_due ON hooks (due);
CREATE INDEX hooks_comment ON hooks (site, comment);
