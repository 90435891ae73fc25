<?php

/**
 * The configuration of nsbridge: one file, and the keys that it names.
 *
 * nsbridge.toml is made of the settings, which its first line holds. A change writes new key files first, lets nsbridge
 * check a new nsbridge.toml, and renames it into place: so whatever interrupts it, the old settings are in force or the
 * new ones.
 */
class Modules_Nsbridge_Configuration
{
    public const DEFAULTS = [
        'instance' => '',
        'address' => '',
        'method' => 'none',
        'control' => '',
        'listen' => '',
        'url' => '',
        'catalog' => '',
        'group' => '',
        'networks' => '',
        'domains' => Modules_Nsbridge_Choice::ALL,
        'newDomains' => '1',
        'chosen' => [],
        'known' => [],
        'files' => [],
    ];

    /** The secrets, and the tables of the configuration that name their files. */
    public const SECRETS = ['zones', 'control', 'api'];

    private const MARK = '# settings: ';

    public static function path(): string
    {
        return self::directory() . '/nsbridge.toml';
    }

    /**
     * Returns whether there are settings, or may be: those in a directory that cannot be seen are not overwritten.
     */
    public static function exists(): bool
    {
        return file_exists(self::path()) || !is_executable(self::directory());
    }

    /**
     * Returns the settings, or the defaults if there are none yet.
     *
     * @throws pm_Exception if they are there and cannot be read
     */
    public static function read(): array
    {
        $path = self::path();
        if (!self::exists()) {
            return self::DEFAULTS;
        }
        $text = @file_get_contents($path);
        if ($text === false) {
            throw new pm_Exception(pm_Locale::lmsg('configurationUnreadable', ['path' => $path]));
        }
        $line = strtok($text, "\n");
        $isOurs = strncmp($line, self::MARK, strlen(self::MARK)) === 0;
        $settings = $isOurs ? json_decode(substr($line, strlen(self::MARK)), true) : null;
        if (!is_array($settings)) {
            throw new pm_Exception(pm_Locale::lmsg('configurationForeign', ['path' => $path]));
        }
        return $settings + self::DEFAULTS;
    }

    /**
     * Puts settings in force, with the secrets that are given; the others stay.
     *
     * @param array $secrets texts by the names of SECRETS
     * @throws pm_Exception if nsbridge refuses them, or they cannot be written
     */
    public static function write(array $settings, array $secrets = []): void
    {
        $umask = umask(0077);
        $garbage = [];
        try {
            $old = self::read()['files'];
            $settings['files'] = $old;
            foreach ($secrets as $name => $text) {
                $settings['files'][$name] = "$name-" . bin2hex(random_bytes(4)) . '.key';
                $garbage[] = self::put($settings['files'][$name], $text . "\n");
            }
            $new = self::put('nsbridge-' . bin2hex(random_bytes(4)) . '.toml', self::toml($settings));
            $garbage[] = $new;
            self::check($new);
            if (!@rename($new, self::path())) {
                throw new pm_Exception(self::notWritten());
            }
            $garbage = [];
            foreach (array_diff($old, $settings['files']) as $name) {
                $garbage[] = self::directory() . "/$name";
            }
        } finally {
            array_map('unlink', array_filter($garbage, 'is_file'));
            umask($umask);
        }
    }

    /**
     * Returns the directory of the queue file. It is outside the folders of the extension, which Plesk removes with it.
     *
     * @throws pm_Exception if there is none and none can be made
     */
    public static function state(): string
    {
        $directory = pm_ProductInfo::getProductRootDir() . '/var/nsbridge';
        if (!is_dir($directory) && @mkdir($directory, 0700)) {
            self::own($directory);
        }
        if (!is_dir($directory) || !is_writable($directory)) {
            $remedy = "install -d -o psaadm -g psaadm -m 0700 $directory";
            throw new pm_Exception(pm_Locale::lmsg('stateAbsent', ['command' => $remedy]));
        }
        return $directory;
    }

    /**
     * Gives what root has made to the user of the panel.
     */
    public static function own(string $path): void
    {
        if (function_exists('posix_geteuid') && posix_geteuid() === 0) {
            chown($path, fileowner(self::directory()) ?: 'psaadm');
            chgrp($path, filegroup(self::directory()) ?: 'psaadm');
        }
    }

    public static function directory(): string
    {
        return rtrim(pm_Context::getVarDir(), '/');
    }

    private static function toml(array $settings): string
    {
        $files = $settings['files'];
        $choice = Modules_Nsbridge_Choice::policy($settings);
        $lines = [
            self::MARK . self::text($settings),
            '# The extension writes this file; it overwrites changes that are made here.',
            'version = 1',
            $settings['instance'] === '' ? '' : 'instance = ' . self::text($settings['instance']),
            '[queue]',
            'path = ' . self::text(self::state() . '/queue.db'),
        ];
        foreach (['zones', 'control'] as $name) {
            if (isset($files[$name])) {
                array_push($lines, "[keys.$name]", 'file = ' . self::text($files[$name]));
            }
        }
        array_push($lines, '[primaries.main]', 'address = ' . self::text($settings['address']), 'key = "zones"');
        if ($settings['catalog'] !== '') {
            $lines[] = 'catalog = ' . self::text($settings['catalog']);
        }
        if ($settings['method'] !== 'none') {
            array_push($lines, '[primaries.main.provision]', 'method = ' . self::text($settings['method']));
        }
        $options = [
            'rndc' => ['control' => $settings['control'], 'control-key' => 'control', 'listen' => $settings['listen']],
            'powerdns' => ['url' => $settings['url'], 'api-key-file' => $files['api'] ?? ''],
            'catalog' => ['group' => $settings['group']],
        ];
        foreach (array_filter($options[$settings['method']] ?? [], 'strlen') as $option => $value) {
            $lines[] = "$option = " . self::text($value);
        }
        array_push($lines, '[policy]', 'deny-zones = ' . self::text($choice['deny']));
        array_push($lines, 'deny-zones-except = ' . self::text($choice['except']));
        $networks = preg_split('/[\s,]+/', $settings['networks'], -1, PREG_SPLIT_NO_EMPTY);
        array_push($lines, '[ptr]', 'networks = ' . self::text($networks));
        return implode("\n", array_filter($lines, 'strlen')) . "\n";
    }

    /**
     * Writes a value: texts and arrays of texts are the same in JSON and in TOML.
     */
    private static function text($value): string
    {
        return json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE);
    }

    private static function check(string $path): void
    {
        $checked = Modules_Nsbridge_Program::ask(['config', 'check'], '', $path);
        if ($checked['status'] !== 0) {
            throw new pm_Exception(str_replace("$path:", '', Modules_Nsbridge_Words::messages($checked)));
        }
    }

    /**
     * Writes a file that nobody else can read, to the disk.
     */
    private static function put(string $name, string $text): string
    {
        $path = self::directory() . "/$name";
        $file = @fopen($path, 'xb');
        $isWritten = $file && chmod($path, 0600) && fwrite($file, $text) === strlen($text) && fflush($file);
        if ($isWritten && function_exists('fsync')) {
            $isWritten = fsync($file);
        }
        if (!$isWritten) {
            @unlink($path);
            throw new pm_Exception(self::notWritten());
        }
        fclose($file);
        self::own($path);
        return $path;
    }

    private static function notWritten(): string
    {
        return pm_Locale::lmsg('configurationNotWritten', ['path' => self::directory()]);
    }
}
