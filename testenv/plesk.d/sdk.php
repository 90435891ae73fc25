<?php

// A stand-in for the SDK of Plesk, for tests: the classes and signatures of `symbols.tsv`, on Zend Framework 1. It throws
// on anything else. It proves what the extension does, not how a Plesk renders it, nor its rights and timeouts.
//
// A product root has: standin/ with this file, Zend and domains.json (the domains of the panel); admin/, bin/, var/.

error_reporting(E_ALL & ~E_DEPRECATED);
set_include_path(__DIR__ . '/zend');

set_error_handler(static function ($severity, $message, $file, $line) {
    // Zend Framework is older than this PHP; the extension is not excused.
    if (!(error_reporting() & $severity) || strpos($file, '/modules/nsbridge/') === false) {
        return false;
    }
    throw new ErrorException($message, 0, $severity, $file, $line);
});

spl_autoload_register(static function ($class) {
    if (strncmp($class, 'pm_', 3) === 0) {
        throw new Error("$class is not in symbols.tsv");
    }
    $file = str_replace('_', '/', $class) . '.php';
    if (strncmp($class, 'Zend_', 5) === 0) {
        @include_once $file;
    }
    $prefix = 'Modules_Nsbridge_';
    if (strncmp($class, $prefix, strlen($prefix)) === 0 && Standin::$autoload) {
        $plib = Standin::root() . '/admin/plib/modules/nsbridge';
        $file = str_replace('_', '/', substr($class, strlen($prefix))) . '.php';
        foreach (["$plib/library/$file", "$plib/hooks/$file"] as $path) {
            if (is_file($path)) {
                require_once $path;
            }
        }
    }
});

class Standin
{
    public static $autoload = false;
    public static $module = null;
    public static $session = null;

    public static function root(): string
    {
        return dirname(__DIR__);
    }

    public static function database(): PDO
    {
        static $database = null;
        if ($database === null) {
            $database = new PDO('sqlite:' . self::root() . '/var/psa.sqlite', null, null, [
                PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => 20,
            ]);
            foreach (
                [
                    'ServiceNodeConfiguration (section, name, value)',
                    'settings (module, name, value, PRIMARY KEY (module, name))',
                    'sessions (id PRIMARY KEY, role, locale)',
                    'messages (id INTEGER PRIMARY KEY, session, status, content)',
                    'scheduled (id INTEGER PRIMARY KEY, module, cmd, schedule)',
                    'tasks (id INTEGER PRIMARY KEY, class, status, progress, params)',
                    'notifications (id INTEGER PRIMARY KEY, name, kind, subject, message)',
                ] as $table
            ) {
                $database->exec("CREATE TABLE IF NOT EXISTS $table");
            }
        }
        return $database;
    }

    public static function query(string $sql, array $values = []): array
    {
        $statement = self::database()->prepare($sql);
        $statement->execute($values);
        return $statement->fetchAll(PDO::FETCH_ASSOC);
    }

    public static function domains(): array
    {
        return json_decode(file_get_contents(__DIR__ . '/domains.json'), true);
    }

    public static function token(): string
    {
        return hash('sha256', 'panel' . self::$session['id']);
    }

    /** The hooks of the extension, as Plesk loads them. */
    public static function hook(string $name)
    {
        $class = "Modules_Nsbridge_$name";
        return new $class();
    }
}

class pm_Exception extends Exception
{
}

class pm_Loader
{
    public static function registerAutoload()
    {
        Standin::$autoload = true;
    }
}

class pm_Context
{
    public static function init($moduleId)
    {
        Standin::$module = $moduleId;
    }

    public static function getPlibDir()
    {
        return Standin::root() . '/admin/plib/modules/' . Standin::$module . '/';
    }

    public static function getVarDir()
    {
        return Standin::root() . '/var/modules/' . Standin::$module . '/';
    }

    public static function getBaseUrl()
    {
        return '/modules/' . Standin::$module . '/';
    }

    public static function getActionUrl($controller, $action = 'index')
    {
        return self::getBaseUrl() . "index.php/$controller/$action";
    }
}

class pm_ProductInfo
{
    public static function getProductRootDir()
    {
        return Standin::root();
    }

    public static function getVersion()
    {
        return '18.0.60 (stand-in)';
    }

    public static function getOsName()
    {
        return 'Debian';
    }

    public static function getOsVersion()
    {
        return '12';
    }
}

class pm_Settings
{
    public static function get($name, $default = null)
    {
        $rows = Standin::query('SELECT value FROM settings WHERE module = ? AND name = ?', [Standin::$module, $name]);
        return $rows[0]['value'] ?? $default;
    }

    public static function set($name, $value)
    {
        if (strlen((string) $value) > 5000) {
            throw new pm_Exception("the setting $name is longer than 5000 characters");
        }
        Standin::query('DELETE FROM settings WHERE module = ? AND name = ?', [Standin::$module, $name]);
        if ($value !== null) {
            Standin::query('INSERT INTO settings VALUES (?, ?, ?)', [Standin::$module, $name, $value]);
        }
    }
}

class pm_Locale
{
    public static function lmsg($key, $params = [])
    {
        static $messages = [];
        $code = Standin::$session['locale'] ?? 'en-US';
        if (!isset($messages[$code])) {
            $messages[$code] = (static function (string $file) {
                require $file;
                return $messages;
            })(pm_Context::getPlibDir() . "resources/locales/$code.php");
        }
        if (!isset($messages[$code][$key])) {
            throw new Error("$code has no message $key");
        }
        $text = $messages[$code][$key];
        preg_match_all('/%%(\w+)%%/', $text, $found);
        if (array_diff($found[1], array_keys($params))) {
            throw new Error("the message $key has other parameters: $text");
        }
        foreach ($params as $name => $value) {
            $text = str_replace("%%$name%%", $value, $text);
        }
        return $text;
    }
}

class pm_Log
{
    public static function info($message)
    {
        error_log("info: $message");
    }
}

class pm_Client
{
    private $role;

    public static function getAdmin()
    {
        $client = new self();
        $client->role = 'admin';
        return $client;
    }

    public static function standinOf(?array $session): self
    {
        $client = new self();
        $client->role = $session['role'] ?? 'nobody';
        return $client;
    }

    public function isAdmin()
    {
        return $this->role === 'admin';
    }
}

class pm_Session
{
    public static function getClient()
    {
        return pm_Client::standinOf(Standin::$session);
    }
}

class pm_Bootstrap
{
    public static function getDbAdapter()
    {
        Standin::database();
        return Zend_Db::factory('Pdo_Sqlite', ['dbname' => Standin::root() . '/var/psa.sqlite']);
    }
}

class pm_ApiCli
{
    public static function call($command, $args = [], $result = 5, $env = [], $stdin = '')
    {
        $isOn = $command === 'server_dns' && count($args) === 2 && $args[0] === '--enable-custom-backend';
        if (!$isOn && !($command === 'server_dns' && $args === ['--disable-custom-backend'])) {
            throw new Error('the stand-in knows no `' . implode(' ', array_merge([$command], $args)) . '`');
        }
        Standin::query("DELETE FROM ServiceNodeConfiguration WHERE section = 'dnsConnector'");
        if ($isOn) {
            $insert = 'INSERT INTO ServiceNodeConfiguration VALUES (?, ?, ?)';
            Standin::query($insert, ['dnsConnector', 'custom', 'true']);
            Standin::query($insert, ['dnsConnector', 'custom_script', $args[1]]);
        }
        return '';
    }
}

class pm_Dns_Record
{
    private $row;

    public function __construct($recordId = null)
    {
        $this->row = $recordId;
    }

    public function getType(): ?string
    {
        return $this->row[1];
    }

    public function getHost(): ?string
    {
        return $this->row[0];
    }

    public function getValue(): ?string
    {
        return $this->row[3];
    }

    public function getOption(): ?string
    {
        return $this->row[2];
    }

    public function getTtl(): ?int
    {
        return $this->row[4] ?? null;
    }
}

class pm_Dns_SoaRecord
{
    public function getTtl(): ?int
    {
        return 3600;
    }

    public function getRefresh(): ?int
    {
        return 10800;
    }

    public function getRetry(): ?int
    {
        return 3600;
    }

    public function getExpire(): ?int
    {
        return 604800;
    }

    public function getMinimum(): ?int
    {
        return 10800;
    }
}

class pm_Dns_Zone
{
    private $row;

    public static function standinOf(array $row): self
    {
        $zone = new self();
        $zone->row = $row;
        return $zone;
    }

    public function isEnabled(): bool
    {
        return $this->row['enabled'] ?? true;
    }

    public function isMaster(): bool
    {
        return $this->row['master'] ?? true;
    }

    public function getSoaRecord(): pm_Dns_SoaRecord
    {
        return new pm_Dns_SoaRecord();
    }

    public function getName(): ?string
    {
        return $this->row['zone'] ?? $this->row['name'];
    }

    public function getRecords(): array
    {
        return array_map(static function ($row) {
            return new pm_Dns_Record($row);
        }, $this->row['rr'] ?? []);
    }
}

class pm_Domain
{
    private $row;

    public function __construct($domainId)
    {
        $this->row = $domainId;
    }

    public static function getAllDomains($mainDomainsOnly = false)
    {
        return array_map(static function ($row) {
            return new self($row);
        }, Standin::domains());
    }

    public function standinAliases(): array
    {
        return $this->row['aliases'] ?? [];
    }

    public function getName()
    {
        return $this->row['name'];
    }

    public function isActive()
    {
        return !$this->isSuspended() && !$this->isDisabled();
    }

    public function isSuspended()
    {
        return $this->row['suspended'] ?? false;
    }

    public function isDisabled()
    {
        return $this->row['disabled'] ?? false;
    }

    public function getDnsZone(): pm_Dns_Zone
    {
        return pm_Dns_Zone::standinOf($this->row);
    }
}

class pm_DomainAlias
{
    private $row;
    private $domain;

    public static function getByDomain(pm_Domain $domain): array
    {
        return array_map(static function ($row) use ($domain) {
            $alias = new self(0);
            $alias->row = $row;
            $alias->domain = $domain;
            return $alias;
        }, $domain->standinAliases());
    }

    public function __construct(int $domainAliasId)
    {
    }

    public function getName(): string
    {
        return $this->row['name'];
    }

    public function getDomain(): pm_Domain
    {
        return $this->domain;
    }

    public function getDnsZone(): pm_Dns_Zone
    {
        return pm_Dns_Zone::standinOf($this->row);
    }
}

class pm_Scheduler_Task
{
    public $cmd;
    public $schedule;

    public function __construct($task = null)
    {
    }

    public function setCmd($cmd)
    {
        $this->cmd = $cmd;
    }

    public function setSchedule(array $schedule)
    {
        $this->schedule = $schedule;
    }
}

class pm_Scheduler
{
    public static $EVERY_MIN = ['*', '*', '*', '*', '*'];

    public static function getInstance()
    {
        return new self();
    }

    public function putTask(pm_Scheduler_Task $task)
    {
        $values = [Standin::$module, $task->cmd, json_encode($task->schedule)];
        Standin::query('INSERT INTO scheduled (module, cmd, schedule) VALUES (?, ?, ?)', $values);
    }

    public function removeAllTasks()
    {
        Standin::query('DELETE FROM scheduled WHERE module = ?', [Standin::$module]);
    }
}

abstract class pm_LongTask_Task
{
    public const STATUS_NOT_STARTED = 'not_started';
    public const STATUS_RUNNING = 'running';
    public const STATUS_ERROR = 'error';
    public const STATUS_DONE = 'done';

    public $trackProgress = false;
    public $standinRow = ['status' => self::STATUS_NOT_STARTED, 'progress' => 0, 'params' => '[]'];

    abstract public function run();

    public function setParam($name, $value)
    {
        $params = json_decode($this->standinRow['params'], true);
        $params[$name] = $value;
        $this->standinSet('params', json_encode($params));
    }

    public function getParam($name, $default = null)
    {
        return json_decode($this->standinRow['params'], true)[$name] ?? $default;
    }

    public function getProgress()
    {
        return (int) $this->standinRow['progress'];
    }

    public function getStatus()
    {
        return $this->standinRow['status'];
    }

    public function updateProgress($progress)
    {
        if (!$this->trackProgress || !is_int($progress) || $progress < 0 || $progress > 100) {
            throw new Error("progress $progress");
        }
        $this->standinSet('progress', $progress);
    }

    public function standinSet(string $name, $value): void
    {
        $this->standinRow[$name] = $value;
        Standin::query("UPDATE tasks SET $name = ? WHERE id = ?", [$value, $this->standinRow['id']]);
    }
}

class pm_LongTask_Manager
{
    public function start(pm_LongTask_Task $task, ?pm_Domain $domain = null)
    {
        Standin::query('INSERT INTO tasks (class, status, progress, params) VALUES (?, ?, 0, ?)', [
            get_class($task), pm_LongTask_Task::STATUS_NOT_STARTED, '[]',
        ]);
        $id = Standin::database()->lastInsertId();
        $command = [Standin::root() . '/bin/extension', '--task', $id];
        exec(implode(' ', array_map('escapeshellarg', $command)) . ' >/dev/null 2>&1 &');
        return $task;
    }

    public function getTasks(array $ids, $domains = null)
    {
        $found = [];
        foreach (Standin::query('SELECT * FROM tasks ORDER BY id') as $row) {
            $task = self::standinTask($row);
            if (in_array($task->getId(), $ids, true)) {
                $found[] = $task;
            }
        }
        return $found;
    }

    /** Plesk knows the tasks of the hook, and no others. */
    private static function standinTask(array $row): pm_LongTask_Task
    {
        foreach (Standin::hook('LongTasks')->getLongTasks() as $task) {
            if (get_class($task) === $row['class']) {
                $task->standinRow = $row;
                return $task;
            }
        }
        throw new Error("no long task {$row['class']}");
    }

    public static function standinRun(string $id): void
    {
        $task = self::standinTask(Standin::query('SELECT * FROM tasks WHERE id = ?', [$id])[0]);
        $task->standinSet('status', pm_LongTask_Task::STATUS_RUNNING);
        try {
            $task->run();
            $task->standinSet('status', pm_LongTask_Task::STATUS_DONE);
        } catch (Exception $error) {
            $task->onError($error);
            $task->standinSet('status', pm_LongTask_Task::STATUS_ERROR);
        }
    }
}

abstract class pm_Notifications_EmailNotification
{
}

abstract class pm_Notifications_PanelNotification
{
    public const CATEGORY_ALERT = 'Alert';
    public const AREA_WEBSITES = 'Websites';
}

class pm_Notification
{
    public function send($id, array $params = [], ?pm_Client $client = null)
    {
        $notification = Standin::hook('Notifications')->getNotifications()[$id];
        $kind = $notification instanceof pm_Notifications_EmailNotification ? 'mail' : 'panel';
        $values = [$id, $kind, $notification->getSubject(), $notification->getMessage()];
        Standin::query('INSERT INTO notifications (name, kind, subject, message) VALUES (?, ?, ?, ?)', $values);
        return [];
    }
}

interface pm_Hook_Interface
{
}

abstract class pm_Hook_CustomButtons implements pm_Hook_Interface
{
    public const PLACE_HOSTING_PANEL_NAVIGATION = 7;
    public const PLACE_ADMIN_NAVIGATION = 12;

    abstract public function getButtons();
}

abstract class pm_Hook_LongTasks implements pm_Hook_Interface
{
    abstract public function getLongTasks();
}

abstract class pm_Hook_Notifications implements pm_Hook_Interface
{
    abstract public function getNotifications();
}
