<?php

// The part of the stand-in that makes pages.

class pm_View_Status
{
    public static function addInfo($message, $noEscape = false)
    {
        self::standinAdd('info', $message);
    }

    public static function addWarning($message, $noEscape = false)
    {
        self::standinAdd('warning', $message);
    }

    public static function addError($message, $noEscape = false)
    {
        self::standinAdd('error', $message);
    }

    private static function standinAdd(string $status, string $content): void
    {
        $values = [Standin::$session['id'], $status, $content];
        Standin::query('INSERT INTO messages (session, status, content) VALUES (?, ?, ?)', $values);
    }

    public static function standinTake(): array
    {
        $found = Standin::query('SELECT * FROM messages WHERE session = ? ORDER BY id', [Standin::$session['id']]);
        Standin::query('DELETE FROM messages WHERE session = ?', [Standin::$session['id']]);
        return $found;
    }
}

abstract class pm_Controller_Action extends Zend_Controller_Action
{
    protected $_status;

    /** The stand-in does not look at it: what it lets through, the extension itself must refuse. */
    protected $_accessLevel = [];

    public function init()
    {
        $this->_status = new pm_View_Status();
    }

    public static function lmsg($key, $params = [])
    {
        return pm_Locale::lmsg($key, $params);
    }
}

class pm_Form_Simple extends Zend_Form
{
    public function __construct($options = [])
    {
        parent::__construct($options);
    }

    public function init()
    {
        $this->setView(Zend_Controller_Action_HelperBroker::getStaticHelper('viewRenderer')->view);
        $this->setAttrib('class', 'pm-form')->setMethod('post')->setAction('');
        $this->addElement('hidden', 'forgery_protection_token', ['value' => Standin::token()]);
    }

    public function isValid($data)
    {
        return parent::isValid($data);
    }

    public function getValues($suppressArrayNotation = false)
    {
        return parent::getValues($suppressArrayNotation);
    }

    public function getElement($name)
    {
        return parent::getElement($name);
    }

    public function addElement($element, $name = null, $options = null)
    {
        return parent::addElement($element, $name, $options);
    }

    public function addControlButtons(?array $params = null)
    {
        parent::addElement('submit', 'send', ['label' => $params['sendTitle'], 'ignore' => true]);
    }

    public function lmsg($key, $params = [])
    {
        return pm_Locale::lmsg($key, $params);
    }
}

class pm_View_Helper_Lmsg extends Zend_View_Helper_Abstract
{
    public function lmsg($key, $params = [])
    {
        return pm_Locale::lmsg($key, $params);
    }
}

class pm_View_Helper_BaseUrl extends Zend_View_Helper_Abstract
{
    public function baseUrl($url)
    {
        throw new Error('not used');
    }

    public function moduleUrl($params)
    {
        return pm_Context::getActionUrl($params['controller'], $params['action']);
    }
}

class pm_View_Helper_RenderTabs extends Zend_View_Helper_Abstract
{
    public function renderTabs(array $tabs)
    {
        $html = '';
        foreach ($tabs as $tab) {
            $address = pm_Context::getActionUrl($tab['controller'], $tab['action']);
            $class = $tab['active'] ? ' class="active"' : '';
            $html .= "<a$class href=\"$address\">" . $this->view->escape($tab['title']) . '</a> ';
        }
        return "<nav>$html</nav>";
    }
}

class pm_Application
{
    public function __construct()
    {
        pm_Loader::registerAutoload();
    }

    public function run()
    {
        try {
            $isChange = $_SERVER['REQUEST_METHOD'] !== 'GET';
            $token = $_POST['forgery_protection_token'] ?? '';
            if (!Standin::$session) {
                throw new pm_Exception('Permission denied');
            }
            if ($isChange && !is_file(__DIR__ . '/lenient') && $token !== Standin::token()) {
                throw new pm_Exception('Permission denied');
            }
            echo $this->standinPage();
        } catch (pm_Exception $error) {
            http_response_code($error->getMessage() === 'Permission denied' ? 403 : 500);
            echo htmlspecialchars($error->getMessage());
        } catch (Throwable $error) {
            http_response_code(500);
            error_log((string) $error);
            echo '<pre>', htmlspecialchars((string) $error);
        }
    }

    private function standinPage(): string
    {
        $plib = pm_Context::getPlibDir();
        $view = new Zend_View(['encoding' => 'UTF-8']);
        $view->addScriptPath("$plib/views/scripts");
        foreach (['Lmsg', 'BaseUrl', 'RenderTabs'] as $name) {
            $class = "pm_View_Helper_$name";
            $view->registerHelper(new $class(), lcfirst($name));
        }
        $renderer = Zend_Controller_Action_HelperBroker::getStaticHelper('viewRenderer');
        $renderer->setView($view);
        $front = Zend_Controller_Front::getInstance();
        $front->setControllerDirectory("$plib/controllers");
        $front->setParam('noErrorHandler', true)->throwExceptions(true)->returnResponse(true);
        $front->setBaseUrl('/modules/' . Standin::$module . '/index.php');
        $response = $front->dispatch();
        if ($response->isRedirect() || strpos($response->getBody(), '{"redirect"') === 0) {
            $response->sendHeaders();
            return $response->getBody();
        }
        $messages = '';
        foreach (pm_View_Status::standinTake() as $row) {
            $messages .= "<p class=\"msg {$row['status']}\">" . htmlspecialchars($row['content']) . '</p>';
        }
        $title = htmlspecialchars($view->pageTitle);
        $style = file_get_contents(__DIR__ . '/panel.css');
        $script = file_get_contents(__DIR__ . '/panel.js');
        return '<!DOCTYPE html><meta charset="utf-8"><meta name="forgery_protection_token" content="' . Standin::token()
            . "\"><title>$title</title><style>$style</style><script>$script</script><h1>$title</h1>$messages"
            . $response->getBody();
    }
}
